"""What an nginx with our SRT module is told in tests."""

CONFIGURATION = """
load_module {prefix}/modules/ngx_srt_module.so;
daemon off;
worker_processes 1;
pid {run}/nginx.pid;
error_log {run}/error.log info;
events {{ worker_connections 1024; }}
srt {{
    {block}
    server {{
        listen 127.0.0.1:{srt_port};
        admit_list {run}/admit;
        master_secret_file {run}/master;
        pass {upstream};
        {directives}
    }}
}}
http {{
    access_log off;
    client_body_temp_path {run}/body;
    proxy_temp_path {run}/proxy;
    server {{
        listen 127.0.0.1:{http_port};
        location = /srt_stat {{ srt_stat json; }}
        location = /metrics {{ srt_stat prometheus; }}
    }}
}}
"""

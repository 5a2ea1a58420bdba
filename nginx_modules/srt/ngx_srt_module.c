/*
 * The srt block: its directives, and what happens at which moment of a cycle.
 *
 * The master reads the secrets and binds the UDP sockets while it reads the
 * configuration, so that a fault stops a start, or a reload, with one line.
 * The worker then hands its copies of the sockets to libsrt: the worker after
 * it finds the same sockets bound.
 */

#include "ngx_srt.h"


static char *ngx_srt_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_srt_server_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_srt_init_conf(ngx_cycle_t *cycle, void *conf);
static ngx_int_t ngx_srt_init_process(ngx_cycle_t *cycle);
static void ngx_srt_exit_process(ngx_cycle_t *cycle);


static ngx_conf_num_bounds_t  ngx_srt_mss_bounds = {
    ngx_conf_check_num_bounds, NGX_SRT_FILTER_MSS_MIN, NGX_SRT_MESSAGE_MAX
};


static ngx_conf_num_bounds_t  ngx_srt_flight_window_bounds = {
    ngx_conf_check_num_bounds, 32, NGX_SRT_FILTER_WINDOW_MAX
};


static ngx_conf_enum_t  ngx_srt_pbkeylen[] = {
    { ngx_string("16"), 16 },
    { ngx_string("24"), 24 },
    { ngx_string("32"), 32 },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_srt_signed_reuse[] = {
    { ngx_string("never"), 0 },
    { ngx_string("same_address"), 1 },
    { ngx_null_string, 0 }
};


static ngx_command_t  ngx_srt_commands[] = {

    { ngx_string("srt"),
      NGX_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_NOARGS,
      ngx_srt_block,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_core_module_t  ngx_srt_module_ctx = {
    ngx_string("srt"),
    NULL,                                  /* create configuration */
    ngx_srt_init_conf                      /* init configuration */
};


ngx_module_t  ngx_srt_module = {
    NGX_MODULE_V1,
    &ngx_srt_module_ctx,                   /* module context */
    ngx_srt_commands,                      /* module directives */
    NGX_CORE_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_srt_init_process,                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_srt_exit_process,                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_command_t  ngx_srt_core_commands[] = {

    { ngx_string("server"),
      NGX_SRT_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_NOARGS,
      ngx_srt_server_block,
      NGX_SRT_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("error_log"),
      NGX_SRT_MAIN_CONF|NGX_CONF_1MORE,
      ngx_srt_conf_error_log,
      NGX_SRT_MAIN_CONF_OFFSET,
      offsetof(ngx_srt_main_conf_t, error_log),
      NULL },

    { ngx_string("error_log"),
      NGX_SRT_SRV_CONF|NGX_CONF_1MORE,
      ngx_srt_conf_error_log,
      NGX_SRT_SRV_CONF_OFFSET,
      offsetof(ngx_srt_srv_conf_t, error_log),
      NULL },

    { ngx_string("listen"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE1,
      ngx_srt_conf_listen,
      NGX_SRT_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("latency"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_SRT_SRV_CONF_OFFSET,
      offsetof(ngx_srt_srv_conf_t, latency),
      NULL },

    { ngx_string("peer_idle_timeout"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_SRT_SRV_CONF_OFFSET,
      offsetof(ngx_srt_srv_conf_t, peer_idle_timeout),
      NULL },

    { ngx_string("max_connections"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE12,
      ngx_srt_conf_max_connections,
      NGX_SRT_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("master_secret_file"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_SRT_SRV_CONF_OFFSET,
      offsetof(ngx_srt_srv_conf_t, secret_file),
      NULL },

    { ngx_string("passphrase"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE1,
      ngx_srt_conf_passphrase,
      NGX_SRT_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("passphrase_file"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_SRT_SRV_CONF_OFFSET,
      offsetof(ngx_srt_srv_conf_t, passphrase_file),
      NULL },

    { ngx_string("admit_list"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_SRT_SRV_CONF_OFFSET,
      offsetof(ngx_srt_srv_conf_t, admit_list),
      NULL },

    { ngx_string("pbkeylen"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_SRT_SRV_CONF_OFFSET,
      offsetof(ngx_srt_srv_conf_t, pbkeylen),
      &ngx_srt_pbkeylen },

    { ngx_string("enforced_encryption"),
      NGX_SRT_SRV_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_SRT_SRV_CONF_OFFSET,
      offsetof(ngx_srt_srv_conf_t, enforced_encryption),
      NULL },

    { ngx_string("signed_skew"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_SRT_SRV_CONF_OFFSET,
      offsetof(ngx_srt_srv_conf_t, signed_skew),
      NULL },

    { ngx_string("signed_max_lifetime"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_SRT_SRV_CONF_OFFSET,
      offsetof(ngx_srt_srv_conf_t, signed_max_lifetime),
      NULL },

    { ngx_string("signed_reuse"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_SRT_SRV_CONF_OFFSET,
      offsetof(ngx_srt_srv_conf_t, signed_reuse),
      &ngx_srt_signed_reuse },

    { ngx_string("pass"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE1,
      ngx_srt_conf_pass,
      NGX_SRT_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("pass_connect_timeout"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_SRT_SRV_CONF_OFFSET,
      offsetof(ngx_srt_srv_conf_t, pass_connect_timeout),
      NULL },

    { ngx_string("pass_send_timeout"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_SRT_SRV_CONF_OFFSET,
      offsetof(ngx_srt_srv_conf_t, pass_send_timeout),
      NULL },

    { ngx_string("buffer_size"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_SRT_SRV_CONF_OFFSET,
      offsetof(ngx_srt_srv_conf_t, buffer_size),
      NULL },

    { ngx_string("receive_buffer"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_SRT_SRV_CONF_OFFSET,
      offsetof(ngx_srt_srv_conf_t, receive_buffer),
      NULL },

    { ngx_string("mss"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_SRT_SRV_CONF_OFFSET,
      offsetof(ngx_srt_srv_conf_t, mss),
      &ngx_srt_mss_bounds },

    { ngx_string("flight_window"),
      NGX_SRT_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_SRT_SRV_CONF_OFFSET,
      offsetof(ngx_srt_srv_conf_t, flight_window),
      &ngx_srt_flight_window_bounds },

      ngx_null_command
};


ngx_module_t  ngx_srt_core_module = {
    NGX_MODULE_V1,
    NULL,                                  /* module context */
    ngx_srt_core_commands,                 /* module directives */
    NGX_SRT_MODULE,                        /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


ngx_srt_runtime_t  *ngx_srt_runtime;


static char *
ngx_srt_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                 *rv;
    void                **main_conf;
    ngx_conf_t            pcf;
    ngx_srt_conf_ctx_t   *ctx;
    ngx_srt_main_conf_t  *smcf;

    if (*(void **) conf != NULL) {
        return "is duplicate";
    }

    smcf = ngx_pcalloc(cf->pool, sizeof(ngx_srt_main_conf_t));
    if (smcf == NULL) {
        return NGX_CONF_ERROR;
    }

    smcf->state_fd = NGX_INVALID_FILE;

    if (ngx_array_init(&smcf->servers, cf->pool, 1,
                       sizeof(ngx_srt_srv_conf_t *))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ctx = ngx_pcalloc(cf->pool, sizeof(ngx_srt_conf_ctx_t));
    if (ctx == NULL) {
        return NGX_CONF_ERROR;
    }

    main_conf = ngx_pcalloc(cf->pool, sizeof(void *));
    if (main_conf == NULL) {
        return NGX_CONF_ERROR;
    }

    /* there is one module of this type only */

    ngx_srt_core_module.ctx_index = 0;

    *main_conf = smcf;
    ctx->main_conf = main_conf;

    *(void **) conf = smcf;

    pcf = *cf;
    cf->ctx = ctx;
    cf->module_type = NGX_SRT_MODULE;
    cf->cmd_type = NGX_SRT_MAIN_CONF;

    rv = ngx_conf_parse(cf, NULL);

    *cf = pcf;

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (smcf->servers.nelts == 0) {
        return "has no server";
    }

    return NGX_CONF_OK;
}


static char *
ngx_srt_server_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_srt_main_conf_t  *smcf = conf;

    char                 *rv;
    void                **srv_conf;
    ngx_conf_t            pcf;
    ngx_srt_conf_ctx_t   *ctx;
    ngx_srt_srv_conf_t   *sscf, **sscfp;

    ctx = ngx_pcalloc(cf->pool, sizeof(ngx_srt_conf_ctx_t));
    if (ctx == NULL) {
        return NGX_CONF_ERROR;
    }

    srv_conf = ngx_pcalloc(cf->pool, sizeof(void *));
    if (srv_conf == NULL) {
        return NGX_CONF_ERROR;
    }

    sscf = ngx_srt_create_srv_conf(cf);
    if (sscf == NULL) {
        return NGX_CONF_ERROR;
    }

    sscfp = ngx_array_push(&smcf->servers);
    if (sscfp == NULL) {
        return NGX_CONF_ERROR;
    }

    *sscfp = sscf;
    *srv_conf = sscf;

    ctx->main_conf = ((ngx_srt_conf_ctx_t *) cf->ctx)->main_conf;
    ctx->srv_conf = srv_conf;

    pcf = *cf;
    cf->ctx = ctx;
    cf->cmd_type = NGX_SRT_SRV_CONF;

    rv = ngx_conf_parse(cf, NULL);

    *cf = pcf;

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_srt_check_srv_conf(cf, sscf);
}


static char *
ngx_srt_init_conf(ngx_cycle_t *cycle, void *conf)
{
    ngx_srt_main_conf_t  *smcf = conf;

    ngx_uint_t            i;
    ngx_core_conf_t      *ccf;
    ngx_srt_srv_conf_t  **sscfp;

    /* "nginx -s" only wants to know where the pid is */

    if (smcf == NULL || ngx_process == NGX_PROCESS_SIGNALLER) {
        return NGX_CONF_OK;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (ccf->worker_processes != NGX_CONF_UNSET && ccf->worker_processes > 1) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "srt: \"worker_processes\" must be 1 with an \"srt\" "
                      "block: all callers of a port share one UDP socket");
        return NGX_CONF_ERROR;
    }

    sscfp = smcf->servers.elts;

    for (i = 0; i < smcf->servers.nelts; i++) {
        if (ngx_srt_secrets_read(cycle, sscfp[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_test_config) {
        return NGX_CONF_OK;
    }

    if (ngx_srt_sockets_open(cycle, smcf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_srt_init_process(ngx_cycle_t *cycle)
{
    ngx_srt_main_conf_t  *smcf;

    smcf = (ngx_srt_main_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                                ngx_srt_module);

    /* not in the cache manager and its kind */

    if (smcf == NULL
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }

    ngx_srt_runtime = ngx_srt_runtime_create(cycle, smcf);
    if (ngx_srt_runtime == NULL) {
        return NGX_ERROR;
    }

    return ngx_srt_thread_start(ngx_srt_runtime);
}


static void
ngx_srt_exit_process(ngx_cycle_t *cycle)
{
    if (ngx_srt_runtime == NULL) {
        return;
    }

    ngx_srt_thread_stop(ngx_srt_runtime);
    ngx_srt_runtime_destroy(ngx_srt_runtime);

    ngx_srt_runtime = NULL;
}

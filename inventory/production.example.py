"""Real hosts over SSH. Copy to inventory/production.py, put your own in, then:

    pyinfra inventory/production.py deploy.py --dry --diff      what would change
    pyinfra inventory/production.py deploy.py                   change it
    pyinfra inventory/production.py deploy.py --limit web       only some

A group is a role (deploys/site.py). One host may be in all of them; ingest and control are always the same host.
"""

# Hosts by name, each with what differs from the group's data. Any key of group_data/all.py may stand here.
_origin = ("origin.example.org", {"ssh_user": "deploy", "_sudo": True})
_builder = ("build.example.org", {"ssh_user": "deploy", "_sudo": True})

# Compiles nginx; the only host with compilers. A lone origin is its own builder: put it in here, with remove_toolchain.
builder = [_builder]

# nginx with RTMP, and one encoder unit per stream.
ingest = [_origin]

# The hook app: keys, state, API. Always on the ingest host, because it starts the encoders there.
control = [_origin]

# nginx for viewers. On another host it needs the origin's media root (mount it there, set media_root_shared).
web = [_origin]

# What all of them share. (Not in a group named "all": group_data/all.py would win over it.)
production = ([_builder, _origin], {"spec": "specs/site.yaml"})

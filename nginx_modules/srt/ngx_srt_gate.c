/*
 * Who comes in.  libsrt asks from the thread that receives the packets of all
 * callers, so that the answer has to come from memory, at once.
 *
 * A caller that is let in takes one of the server's places right away, still
 * before libsrt has compared passphrases: until the SRT thread has accepted it,
 * or libsrt has refused it, it counts for every limit.
 */

#include "ngx_srt.h"


/* libsrt gives up a handshake that takes longer */

#define NGX_SRT_PENDING_MAX  3000


static int ngx_srt_gate_parse(ngx_srt_listener_t *listener, int version,
    const char *text, ngx_srt_streamid_t *id, ngx_srt_caller_t *caller,
    const char **reason);
static ngx_uint_t ngx_srt_gate_flooded(ngx_srt_runtime_t *rt,
    const struct sockaddr *peer);
static void ngx_srt_gate_peer(ngx_srt_caller_t *caller,
    const struct sockaddr *peer, char *address);
static ngx_srt_verdict_t ngx_srt_gate_decide(ngx_srt_server_t *server,
    const ngx_srt_streamid_t *id, const ngx_srt_caller_t *caller,
    const char *address, ngx_srt_session_t **place);
static ngx_srt_verdict_t ngx_srt_gate_place(ngx_srt_server_t *server,
    const ngx_srt_caller_t *caller, ngx_srt_session_t **place);
static void ngx_srt_gate_policy(ngx_srt_srv_conf_t *sscf,
    ngx_srt_policy_t *policy);
static ngx_srt_verdict_t ngx_srt_gate_unlisted(const ngx_srt_streamid_t *id);
static void ngx_srt_gate_reap_listener(ngx_srt_listener_t *listener,
    ngx_uint_t inside);
static ngx_int_t ngx_srt_gate_passphrase(ngx_srt_server_t *server,
    const ngx_srt_streamid_t *id, SRTSOCKET sock);
static void ngx_srt_gate_copy(char *target, const ngx_srt_slice_t *source);


int
ngx_srt_gate(void *data, SRTSOCKET sock, int version,
    const struct sockaddr *peer, const char *streamid)
{
    ngx_srt_listener_t *listener = data;

    int                  code;
    char                 address[NGX_SRT_PEER_LEN];
    const char          *reason;
    ngx_srt_server_t    *server;
    ngx_srt_caller_t     caller;
    ngx_srt_verdict_t    verdict;
    ngx_srt_runtime_t   *rt;
    ngx_srt_session_t   *s;
    ngx_srt_streamid_t   id;

    server = listener->server;
    rt = server->runtime;
    s = NULL;
    reason = "";

    ngx_memzero(&caller, sizeof(ngx_srt_caller_t));

    ngx_srt_gate_peer(&caller, peer, address);

    code = ngx_srt_gate_parse(listener, version, streamid, &id, &caller,
                              &reason);

    (void) pthread_mutex_lock(&rt->mutex);

    if (ngx_srt_gate_flooded(rt, peer)) {
        code = NGX_SRT_OVERLOAD;
        reason = "too many handshakes";
    }

    if (code == 0) {
        ngx_srt_gate_reap(server, listener);

        verdict = ngx_srt_gate_decide(server, &id, &caller, address, &s);
        code = verdict.code;
        reason = verdict.reason;
        caller.is_first = verdict.is_first;
    }

    if (code == 0) {
        s->state = NGX_SRT_PENDING;
        s->listener = listener;
        s->caller = caller;
        s->sock = sock;
        s->since = ngx_srt_now();
        rt->npending++;

    } else {
        ngx_srt_log_refusal(server, code, reason, &caller);
    }

    (void) pthread_mutex_unlock(&rt->mutex);

    if (code == 0 && !id.is_signed
        && ngx_srt_gate_passphrase(server, &id, sock) != NGX_OK)
    {
        code = SRT_REJX_ISE;

        (void) pthread_mutex_lock(&rt->mutex);

        ngx_srt_gate_release(s);
        ngx_srt_log_refusal(server, code, "the passphrase could not be set",
                            &caller);

        (void) pthread_mutex_unlock(&rt->mutex);
    }

    if (code != 0) {
        (void) srt_setrejectreason(sock, code);
        return -1;
    }

    return 0;
}


static int
ngx_srt_gate_parse(ngx_srt_listener_t *listener, int version,
    const char *text, ngx_srt_streamid_t *id, ngx_srt_caller_t *caller,
    const char **reason)
{
    int  code;

    if (version < 5) {
        *reason = "handshake of a version without stream ids";
        return SRT_REJX_VERSION;
    }

    code = ngx_srt_streamid_parse(text,
                                  strnlen(text, NGX_SRT_STREAMID_MAX + 1), id);

    switch (code) {

    case 0:
        break;

    case NGX_SRT_BAD_REQUEST:
        *reason = "faulty stream id";
        return code;

    case NGX_SRT_BAD_MODE:
        *reason = "not a publisher";
        break;

    default:
        *reason = "not a stream";
    }

    ngx_srt_gate_copy(caller->slug, &id->slug);
    ngx_srt_gate_copy(caller->key_id, &id->key_id);

    if (code == 0) {
        caller->is_signed = id->is_signed;
        ngx_srt_gate_copy(caller->nonce, &id->nonce);
    }

    return code;
}


/* a flood ends in the kernel; only who floods is not heard for a while */

static ngx_uint_t
ngx_srt_gate_flooded(ngx_srt_runtime_t *rt, const struct sockaddr *peer)
{
    ngx_uint_t  i;

    if (ngx_srt_filter_attempt(&rt->filter, peer, ngx_srt_now())) {

        for (i = 0; i < rt->nlisteners; i++) {
            (void) ngx_srt_filter_attach(&rt->filter,
                                         rt->listeners[i].listen->fd);
        }
    }

    return ngx_srt_filter_refuses(&rt->filter, peer);
}


static void
ngx_srt_gate_peer(ngx_srt_caller_t *caller, const struct sockaddr *peer,
    char *address)
{
    size_t                      n;
    socklen_t                   len;
    struct sockaddr            *sa;
    const struct sockaddr_in   *sin;
    const struct sockaddr_in6  *sin6;

    sa = (struct sockaddr *) peer;

    if (peer->sa_family == AF_INET6) {
        sin6 = (const struct sockaddr_in6 *) peer;
        len = sizeof(struct sockaddr_in6);

        caller->is_ipv6 = 1;
        ngx_memcpy(&caller->network, &sin6->sin6_addr, sizeof(uint64_t));

    } else {
        sin = (const struct sockaddr_in *) peer;
        len = sizeof(struct sockaddr_in);

        caller->network = sin->sin_addr.s_addr;
    }

    n = ngx_sock_ntop(sa, len, (u_char *) caller->peer, NGX_SOCKADDR_STRLEN,
                      1);
    caller->peer[n] = '\0';

    n = ngx_sock_ntop(sa, len, (u_char *) address, NGX_SOCKADDR_STRLEN, 0);
    address[n] = '\0';
}


/*
 * Who may not come in at all should hear that, and not whether somebody is on
 * air; and a nonce must not be used up by a caller that finds no place.
 */

static ngx_srt_verdict_t
ngx_srt_gate_decide(ngx_srt_server_t *server, const ngx_srt_streamid_t *id,
    const ngx_srt_caller_t *caller, const char *address,
    ngx_srt_session_t **place)
{
    ngx_srt_policy_t     policy;
    ngx_srt_verdict_t    busy, verdict;
    ngx_srt_srv_conf_t  *sscf;

    sscf = server->conf;

    ngx_srt_gate_policy(sscf, &policy);

    verdict = sscf->admit_list.len == 0
              ? ngx_srt_gate_unlisted(id)
              : ngx_srt_admission_decide(server->list, id, sscf->secret.data,
                                         sscf->secret.len, &policy,
                                         server->runtime->replay, address);

    if (verdict.code != 0) {
        return verdict;
    }

    busy = ngx_srt_gate_place(server, caller, place);

    if (busy.code != 0) {
        return busy;
    }

    return ngx_srt_admission_use(verdict, id, &policy, server->runtime->replay,
                                 address);
}


static ngx_srt_verdict_t
ngx_srt_gate_place(ngx_srt_server_t *server, const ngx_srt_caller_t *caller,
    ngx_srt_session_t **place)
{
    ngx_uint_t          i, same;
    ngx_srt_verdict_t   verdict;
    ngx_srt_session_t  *s;

    ngx_memzero(&verdict, sizeof(ngx_srt_verdict_t));

    same = 0;
    *place = NULL;

    for (i = 0; i < server->conf->max_connections; i++) {
        s = &server->sessions[i];

        if (s->state == NGX_SRT_FREE) {
            *place = s;
            continue;
        }

        if (strcmp(s->caller.slug, caller->slug) == 0) {
            verdict.code = NGX_SRT_CONFLICT;
            verdict.reason = "another caller is on air";
            return verdict;
        }

        if (s->caller.is_ipv6 == caller->is_ipv6
            && s->caller.network == caller->network)
        {
            same++;
        }
    }

    if (*place == NULL) {
        verdict.code = NGX_SRT_OVERLOAD;
        verdict.reason = "too many callers";

    } else if (same >= server->conf->max_per_address) {
        verdict.code = NGX_SRT_OVERLOAD;
        verdict.reason = "too many callers of one address";
    }

    return verdict;
}


static void
ngx_srt_gate_policy(ngx_srt_srv_conf_t *sscf, ngx_srt_policy_t *policy)
{
    policy->now = time(NULL);
    policy->skew = (int) sscf->signed_skew;
    policy->max_lifetime = sscf->signed_max_lifetime;
    policy->reuse_same_address = sscf->signed_reuse != 0;
    policy->enforced_encryption = sscf->enforced_encryption != 0;
}


/* with a fixed passphrase and no list, who has it may publish anything */

static ngx_srt_verdict_t
ngx_srt_gate_unlisted(const ngx_srt_streamid_t *id)
{
    ngx_srt_verdict_t  verdict;

    ngx_memzero(&verdict, sizeof(ngx_srt_verdict_t));

    if (id->is_signed) {
        verdict.code = NGX_SRT_FORBIDDEN;
        verdict.reason = "the signed way is not open";
    }

    return verdict;
}


static ngx_int_t
ngx_srt_gate_passphrase(ngx_srt_server_t *server, const ngx_srt_streamid_t *id,
    SRTSOCKET sock)
{
    int                  rc;
    char                 passphrase[NGX_SRT_PASSPHRASE_LEN + 1];
    ngx_srt_srv_conf_t  *sscf;

    sscf = server->conf;

    if (sscf->passphrase.len != 0) {
        rc = srt_setsockflag(sock, SRTO_PASSPHRASE, sscf->passphrase.data,
                             (int) sscf->passphrase.len);

        return rc == SRT_ERROR ? NGX_ERROR : NGX_OK;
    }

    if (ngx_srt_token_passphrase(sscf->secret.data, sscf->secret.len, id,
                                 passphrase)
        != 0)
    {
        return NGX_ERROR;
    }

    rc = srt_setsockflag(sock, SRTO_PASSPHRASE, passphrase,
                         NGX_SRT_PASSPHRASE_LEN);

    ngx_explicit_memzero(passphrase, sizeof(passphrase));

    return rc == SRT_ERROR ? NGX_ERROR : NGX_OK;
}


/* the pending caller with this socket */

ngx_srt_session_t *
ngx_srt_gate_find(ngx_srt_listener_t *listener, SRTSOCKET sock)
{
    ngx_uint_t          i;
    ngx_srt_server_t   *server;
    ngx_srt_session_t  *s;

    server = listener->server;

    for (i = 0; i < server->conf->max_connections; i++) {
        s = &server->sessions[i];

        if (s->state == NGX_SRT_PENDING && s->listener == listener
            && s->sock == sock)
        {
            return s;
        }
    }

    return NULL;
}


/* who was never on air may come again with the same stream id */

void
ngx_srt_gate_release(ngx_srt_session_t *s)
{
    if (s->state == NGX_SRT_PENDING) {
        s->server->runtime->npending--;
    }

    ngx_srt_gate_forgive(s);

    s->state = NGX_SRT_FREE;
    s->sock = SRT_INVALID_SOCK;
}


/* a signed stream id that this caller was the first to use is unused again */

void
ngx_srt_gate_forgive(ngx_srt_session_t *s)
{
    ngx_srt_caller_t    *caller;
    ngx_srt_streamid_t   id;

    caller = &s->caller;

    if (!caller->is_signed || !caller->is_first) {
        return;
    }

    ngx_memzero(&id, sizeof(ngx_srt_streamid_t));

    id.slug.data = caller->slug;
    id.slug.len = ngx_strlen(caller->slug);
    id.key_id.data = caller->key_id;
    id.key_id.len = ngx_strlen(caller->key_id);
    id.nonce.data = caller->nonce;
    id.nonce.len = ngx_strlen(caller->nonce);

    ngx_srt_replay_forget(s->server->runtime->replay, &id);
}


/*
 * Frees the places of the server's callers that libsrt did not take in the end,
 * whichever address they came to; "inside" is the listener whose callback we
 * are in, if any.
 */

void
ngx_srt_gate_reap(ngx_srt_server_t *server, ngx_srt_listener_t *inside)
{
    ngx_uint_t           i;
    ngx_srt_runtime_t   *rt;
    ngx_srt_listener_t  *listener;

    rt = server->runtime;

    for (i = 0; i < rt->nlisteners && rt->npending != 0; i++) {
        listener = &rt->listeners[i];

        if (listener->server == server) {
            ngx_srt_gate_reap_listener(listener, listener == inside);
        }
    }
}


/*
 * A socket has one receiver thread: inside its callback every earlier handshake
 * is decided, and what is not connected never will be.  Outside of it one may
 * be under way.
 */

static void
ngx_srt_gate_reap_listener(ngx_srt_listener_t *listener, ngx_uint_t inside)
{
    ngx_uint_t          i;
    SRT_SOCKSTATUS      status;
    ngx_srt_server_t   *server;
    ngx_srt_session_t  *s;

    server = listener->server;

    for (i = 0; i < server->conf->max_connections; i++) {
        s = &server->sessions[i];

        if (s->state != NGX_SRT_PENDING || s->listener != listener) {
            continue;
        }

        status = srt_getsockstate(s->sock);

        if (status == SRTS_CONNECTED || (!inside && status < SRTS_CONNECTED)) {

            if (ngx_srt_now() - s->since < NGX_SRT_PENDING_MAX) {
                continue;
            }
        }

        ngx_srt_log_refusal(server, NGX_SRT_HANDSHAKE,
                            "wrong or missing passphrase, or no SRT live mode",
                            &s->caller);

        ngx_srt_gate_release(s);
    }
}


static void
ngx_srt_gate_copy(char *target, const ngx_srt_slice_t *source)
{
    /* an empty slice has no data */

    if (source->len != 0) {
        ngx_memcpy(target, source->data, source->len);
    }

    target[source->len] = '\0';
}

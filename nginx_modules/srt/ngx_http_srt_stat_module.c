/*
 * What the SRT server of this worker is doing, as JSON or in the text format of
 * Prometheus.  Never a key, a stream id or a nonce.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_srt.h"


#define NGX_HTTP_SRT_STAT_OFF         0
#define NGX_HTTP_SRT_STAT_JSON        1
#define NGX_HTTP_SRT_STAT_PROMETHEUS  2

/* the longest text of one session, and of everything else */

#define NGX_HTTP_SRT_STAT_SESSION     4096
#define NGX_HTTP_SRT_STAT_REST        8192


typedef struct {
    ngx_uint_t           format;
} ngx_http_srt_stat_loc_conf_t;


typedef struct {
    ngx_srt_caller_t     caller;
    ngx_srt_stats_t      stats;
    uint64_t             id;
    int64_t              since;
    ngx_uint_t           key_length;
    uint32_t             peer_version;
    size_t               ring;
    unsigned             paused:1;
} ngx_http_srt_stat_session_t;


/* copied under the mutex, printed without it */

typedef struct {
    ngx_http_srt_stat_session_t  *sessions;
    ngx_uint_t                    nsessions;
    ngx_srt_refused_t            *refused;
    ngx_uint_t                    nrefused;
    ngx_srt_stats_t               totals;
    uint64_t                      accepted;
    uint64_t                      closed;
    int64_t                       now;
    int64_t                       started_at;
} ngx_http_srt_stat_t;


static ngx_int_t ngx_http_srt_stat_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_srt_stat_take(ngx_http_request_t *r,
    ngx_http_srt_stat_t *stat);
static void ngx_http_srt_stat_copy(ngx_srt_runtime_t *rt,
    ngx_http_srt_stat_t *stat);
static u_char *ngx_http_srt_stat_json(u_char *p, u_char *last,
    ngx_http_srt_stat_t *stat);
static u_char *ngx_http_srt_stat_json_session(u_char *p, u_char *last,
    ngx_http_srt_stat_session_t *s, int64_t now);
static u_char *ngx_http_srt_stat_prometheus(u_char *p, u_char *last,
    ngx_http_srt_stat_t *stat);
static u_char *ngx_http_srt_stat_prometheus_info(u_char *p, u_char *last,
    ngx_http_srt_stat_t *stat);
static u_char *ngx_http_srt_stat_prometheus_sessions(u_char *p, u_char *last,
    ngx_http_srt_stat_t *stat);
static const char *ngx_http_srt_stat_mode(const ngx_http_srt_stat_session_t *s);
static u_char *ngx_http_srt_stat_encryption(u_char *p, u_char *last,
    const ngx_http_srt_stat_session_t *s);
static u_char *ngx_http_srt_stat_version(u_char *p, u_char *last,
    uint32_t version);
static void *ngx_http_srt_stat_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_srt_stat_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_srt_stat(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


static ngx_conf_enum_t  ngx_http_srt_stat_formats[] = {
    { ngx_string("json"), NGX_HTTP_SRT_STAT_JSON },
    { ngx_string("prometheus"), NGX_HTTP_SRT_STAT_PROMETHEUS },
    { ngx_null_string, 0 }
};


static ngx_command_t  ngx_http_srt_stat_commands[] = {

    { ngx_string("srt_stat"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_srt_stat,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_srt_stat_loc_conf_t, format),
      &ngx_http_srt_stat_formats },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_srt_stat_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_srt_stat_create_loc_conf,     /* create location configuration */
    ngx_http_srt_stat_merge_loc_conf       /* merge location configuration */
};


ngx_module_t  ngx_http_srt_stat_module = {
    NGX_MODULE_V1,
    &ngx_http_srt_stat_module_ctx,         /* module context */
    ngx_http_srt_stat_commands,            /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_str_t  ngx_http_srt_stat_json_type =
    ngx_string("application/json");
static ngx_str_t  ngx_http_srt_stat_prometheus_type =
    ngx_string("text/plain; version=0.0.4");


static ngx_int_t
ngx_http_srt_stat_handler(ngx_http_request_t *r)
{
    size_t                         size;
    ngx_int_t                      rc;
    ngx_buf_t                     *b;
    ngx_chain_t                    out;
    ngx_http_srt_stat_t            stat;
    ngx_http_srt_stat_loc_conf_t  *sslcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    /* no srt block, or a worker that has not started */

    if (ngx_srt_runtime == NULL) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (ngx_http_srt_stat_take(r, &stat) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    size = NGX_HTTP_SRT_STAT_REST + stat.nsessions * NGX_HTTP_SRT_STAT_SESSION;

    b = ngx_create_temp_buf(r->pool, size);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    sslcf = ngx_http_get_module_loc_conf(r, ngx_http_srt_stat_module);

    if (sslcf->format == NGX_HTTP_SRT_STAT_JSON) {
        b->last = ngx_http_srt_stat_json(b->last, b->end, &stat);
        r->headers_out.content_type = ngx_http_srt_stat_json_type;

    } else {
        b->last = ngx_http_srt_stat_prometheus(b->last, b->end, &stat);
        r->headers_out.content_type = ngx_http_srt_stat_prometheus_type;
    }

    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = b->last - b->pos;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static ngx_int_t
ngx_http_srt_stat_take(ngx_http_request_t *r, ngx_http_srt_stat_t *stat)
{
    ngx_uint_t          n;
    ngx_srt_refused_t  *refused;
    ngx_srt_runtime_t  *rt;

    rt = ngx_srt_runtime;

    ngx_memzero(stat, sizeof(ngx_http_srt_stat_t));

    stat->sessions = ngx_palloc(r->pool, rt->nsessions
                                         * sizeof(ngx_http_srt_stat_session_t));
    if (stat->sessions == NULL) {
        return NGX_ERROR;
    }

    n = ngx_srt_log_refused(rt, &refused);

    stat->refused = ngx_palloc(r->pool, n * sizeof(ngx_srt_refused_t));
    if (stat->refused == NULL) {
        return NGX_ERROR;
    }

    stat->nrefused = n;
    stat->now = ngx_srt_now();
    stat->started_at = rt->started_at;

    (void) pthread_mutex_lock(&rt->mutex);

    ngx_memcpy(stat->refused, refused, n * sizeof(ngx_srt_refused_t));
    stat->totals = rt->totals;
    stat->accepted = rt->accepted;
    stat->closed = rt->closed;

    ngx_http_srt_stat_copy(rt, stat);

    (void) pthread_mutex_unlock(&rt->mutex);

    return NGX_OK;
}


static void
ngx_http_srt_stat_copy(ngx_srt_runtime_t *rt, ngx_http_srt_stat_t *stat)
{
    ngx_uint_t                    i, n;
    ngx_srt_server_t             *server;
    ngx_srt_session_t            *s;
    ngx_http_srt_stat_session_t  *copy;

    for (i = 0; i < rt->nservers; i++) {
        server = &rt->servers[i];

        for (n = 0; n < server->conf->max_connections; n++) {
            s = &server->sessions[n];

            if (s->state != NGX_SRT_LIVE) {
                continue;
            }

            copy = &stat->sessions[stat->nsessions++];

            copy->caller = s->caller;
            copy->stats = s->stats;
            copy->id = s->id;
            copy->since = s->since;
            copy->key_length = s->key_length;
            copy->peer_version = s->peer_version;
            copy->ring = ngx_srt_ring_used(&s->ring);
            copy->paused = atomic_load(&s->paused) != 0;
        }
    }
}


static u_char *
ngx_http_srt_stat_json(u_char *p, u_char *last, ngx_http_srt_stat_t *stat)
{
    ngx_uint_t  i;

    p = ngx_slprintf(p, last, "{\"version\":1,\"libsrt\":\"");
    p = ngx_http_srt_stat_version(p, last, srt_getversion());
    p = ngx_slprintf(p, last,
                     "\",\"uptime_seconds\":%L,\"totals\":{\"accepted\":%uL,"
                     "\"closed\":%uL,\"refused\":{",
                     (stat->now - stat->started_at) / 1000, stat->accepted,
                     stat->closed);

    for (i = 0; i < stat->nrefused; i++) {
        p = ngx_slprintf(p, last, "%s\"%d\":%uL", i ? "," : "",
                         stat->refused[i].code, stat->refused[i].count);
    }

    p = ngx_slprintf(p, last,
                     "},\"bytes_received\":%uL,\"packets_received\":%uL,"
                     "\"packets_lost\":%uL,\"packets_retransmitted\":%uL,"
                     "\"packets_dropped\":%uL,\"packets_undecrypted\":%uL},"
                     "\"sessions\":[",
                     stat->totals.bytes, stat->totals.packets,
                     stat->totals.lost, stat->totals.retransmitted,
                     stat->totals.dropped, stat->totals.undecrypted);

    for (i = 0; i < stat->nsessions; i++) {

        if (i != 0) {
            p = ngx_slprintf(p, last, ",");
        }

        p = ngx_http_srt_stat_json_session(p, last, &stat->sessions[i],
                                           stat->now);
    }

    return ngx_slprintf(p, last, "]}\n");
}


static u_char *
ngx_http_srt_stat_json_session(u_char *p, u_char *last,
    ngx_http_srt_stat_session_t *s, int64_t now)
{
    p = ngx_slprintf(p, last,
                     "{\"id\":%uL,\"slug\":\"%s\",\"key_id\":\"%s\","
                     "\"peer\":\"%s\",\"mode\":\"%s\",\"encryption\":\"",
                     s->id, s->caller.slug, s->caller.key_id, s->caller.peer,
                     ngx_http_srt_stat_mode(s));

    p = ngx_http_srt_stat_encryption(p, last, s);

    p = ngx_slprintf(p, last,
                     "\",\"connected_seconds\":%.1f,\"peer_version\":\"",
                     (double) (now - s->since) / 1000);

    p = ngx_http_srt_stat_version(p, last, s->peer_version);

    return ngx_slprintf(p, last,
                        "\",\"latency_ms\":%ui,\"rtt_ms\":%.3f,"
                        "\"bitrate_kbps\":%uL,\"packets_received\":%uL,"
                        "\"packets_lost\":%uL,\"packets_retransmitted\":%uL,"
                        "\"packets_dropped\":%uL,\"packets_undecrypted\":%uL,"
                        "\"bytes_received\":%uL,\"receive_buffer_bytes\":%uL,"
                        "\"ring_bytes\":%uz,\"paused\":%s}",
                        s->stats.latency, s->stats.rtt,
                        s->stats.bitrate / 1000, s->stats.packets,
                        s->stats.lost, s->stats.retransmitted,
                        s->stats.dropped, s->stats.undecrypted,
                        s->stats.bytes, s->stats.buffer, s->ring,
                        s->paused ? "true" : "false");
}


static u_char *
ngx_http_srt_stat_prometheus(u_char *p, u_char *last,
    ngx_http_srt_stat_t *stat)
{
    ngx_uint_t  i;

    const struct {
        const char  *name;
        const char  *type;
        uint64_t     value;
    } metrics[] = {
        { "uptime_seconds", "gauge",
          (uint64_t) (stat->now - stat->started_at) / 1000 },
        { "callers", "gauge", stat->nsessions },
        { "accepted_total", "counter", stat->accepted },
        { "closed_total", "counter", stat->closed },
        { "received_bytes_total", "counter", stat->totals.bytes },
        { "received_packets_total", "counter", stat->totals.packets },
        { "lost_packets_total", "counter", stat->totals.lost },
        { "retransmitted_packets_total", "counter",
          stat->totals.retransmitted },
        { "dropped_packets_total", "counter", stat->totals.dropped },
        { "undecrypted_packets_total", "counter", stat->totals.undecrypted }
    };

    for (i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
        p = ngx_slprintf(p, last,
                         "# TYPE headend_srt_%s %s\nheadend_srt_%s %uL\n",
                         metrics[i].name, metrics[i].type, metrics[i].name,
                         metrics[i].value);
    }

    p = ngx_slprintf(p, last, "# TYPE headend_srt_refused_total counter\n");

    for (i = 0; i < stat->nrefused; i++) {
        p = ngx_slprintf(p, last,
                         "headend_srt_refused_total{code=\"%d\"} %uL\n",
                         stat->refused[i].code, stat->refused[i].count);
    }

    p = ngx_http_srt_stat_prometheus_info(p, last, stat);

    return ngx_http_srt_stat_prometheus_sessions(p, last, stat);
}


/* what of a session is not a number */

static u_char *
ngx_http_srt_stat_prometheus_info(u_char *p, u_char *last,
    ngx_http_srt_stat_t *stat)
{
    ngx_uint_t                    i;
    ngx_http_srt_stat_session_t  *s;

    p = ngx_slprintf(p, last, "# TYPE headend_srt_session_info gauge\n");

    for (i = 0; i < stat->nsessions; i++) {
        s = &stat->sessions[i];

        p = ngx_slprintf(p, last,
                         "headend_srt_session_info{slug=\"%s\",key_id=\"%s\","
                         "peer=\"%s\",mode=\"%s\",encryption=\"",
                         s->caller.slug, s->caller.key_id, s->caller.peer,
                         ngx_http_srt_stat_mode(s));

        p = ngx_http_srt_stat_encryption(p, last, s);

        p = ngx_slprintf(p, last, "\"} 1\n");
    }

    return p;
}


/* the samples of one metric have to stand together */

static u_char *
ngx_http_srt_stat_prometheus_sessions(u_char *p, u_char *last,
    ngx_http_srt_stat_t *stat)
{
    double                        values[14];
    ngx_uint_t                    i, n;
    ngx_http_srt_stat_session_t  *s;

    static const char  *metrics[][2] = {
        { "connected_seconds", "gauge" },
        { "latency_seconds", "gauge" },
        { "rtt_seconds", "gauge" },
        { "bitrate_bits_per_second", "gauge" },
        { "receive_buffer_bytes", "gauge" },
        { "ring_bytes", "gauge" },
        { "paused", "gauge" },
        { "key_bits", "gauge" },
        { "received_bytes_total", "counter" },
        { "received_packets_total", "counter" },
        { "lost_packets_total", "counter" },
        { "retransmitted_packets_total", "counter" },
        { "dropped_packets_total", "counter" },
        { "undecrypted_packets_total", "counter" }
    };

    for (n = 0; n < sizeof(metrics) / sizeof(metrics[0]); n++) {

        p = ngx_slprintf(p, last, "# TYPE headend_srt_session_%s %s\n",
                         metrics[n][0], metrics[n][1]);

        for (i = 0; i < stat->nsessions; i++) {
            s = &stat->sessions[i];

            values[0] = (double) (stat->now - s->since) / 1000;
            values[1] = (double) s->stats.latency / 1000;
            values[2] = s->stats.rtt / 1000;
            values[3] = (double) s->stats.bitrate;
            values[4] = (double) s->stats.buffer;
            values[5] = (double) s->ring;
            values[6] = s->paused;
            values[7] = (double) s->key_length * 8;
            values[8] = (double) s->stats.bytes;
            values[9] = (double) s->stats.packets;
            values[10] = (double) s->stats.lost;
            values[11] = (double) s->stats.retransmitted;
            values[12] = (double) s->stats.dropped;
            values[13] = (double) s->stats.undecrypted;

            p = ngx_slprintf(p, last,
                             "headend_srt_session_%s{slug=\"%s\","
                             "key_id=\"%s\"} %.6f\n",
                             metrics[n][0], s->caller.slug, s->caller.key_id,
                             values[n]);
        }
    }

    return p;
}


static const char *
ngx_http_srt_stat_mode(const ngx_http_srt_stat_session_t *s)
{
    return s->caller.is_signed ? "signed" : "encrypted";
}


static u_char *
ngx_http_srt_stat_encryption(u_char *p, u_char *last,
    const ngx_http_srt_stat_session_t *s)
{
    if (s->key_length == 0) {
        return ngx_slprintf(p, last, "none");
    }

    return ngx_slprintf(p, last, "aes-%ui", s->key_length * 8);
}


static u_char *
ngx_http_srt_stat_version(u_char *p, u_char *last, uint32_t version)
{
    return ngx_slprintf(p, last, "%uD.%uD.%uD", version >> 16,
                        version >> 8 & 0xff, version & 0xff);
}


static void *
ngx_http_srt_stat_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_srt_stat_loc_conf_t  *conf;

    conf = ngx_palloc(cf->pool, sizeof(ngx_http_srt_stat_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->format = NGX_CONF_UNSET_UINT;

    return conf;
}


static char *
ngx_http_srt_stat_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_srt_stat_loc_conf_t *prev = parent;
    ngx_http_srt_stat_loc_conf_t *conf = child;

    ngx_conf_merge_uint_value(conf->format, prev->format,
                              NGX_HTTP_SRT_STAT_OFF);

    return NGX_CONF_OK;
}


static char *
ngx_http_srt_stat(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                      *rv;
    ngx_http_core_loc_conf_t  *clcf;

    rv = ngx_conf_set_enum_slot(cf, cmd, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_srt_stat_handler;

    return NGX_CONF_OK;
}

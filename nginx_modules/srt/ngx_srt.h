/*
 * What the files of this module share.
 *
 * Three kinds of threads.  nginx's own runs the upstream side and everything
 * that logs, reads files or answers HTTP.  The SRT thread owns every call of
 * libsrt.  libsrt's receiver threads, one for each UDP socket, call the gate.
 * What more than one of them touches is atomic, or lies under the mutex.
 */

#ifndef _NGX_SRT_H_INCLUDED_
#define _NGX_SRT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#include <pthread.h>
#include <stdatomic.h>

#include <srt/srt.h>
#include <srt/access_control.h>

#include "ngx_srt_admission.h"
#include "ngx_srt_filter.h"
#include "ngx_srt_ring.h"


#define NGX_SRT_MODULE             0x545253          /* "SRT" */

/* core modules' commands are all of NGX_MAIN_CONF; these are free */
#define NGX_SRT_MAIN_CONF          0x02000000
#define NGX_SRT_SRV_CONF           0x04000000

#define NGX_SRT_MAIN_CONF_OFFSET   offsetof(ngx_srt_conf_ctx_t, main_conf)
#define NGX_SRT_SRV_CONF_OFFSET    offsetof(ngx_srt_conf_ctx_t, srv_conf)

#define NGX_SRT_MAX_CONNECTIONS    1024

/* libsrt's limits of a passphrase */
#define NGX_SRT_PASSPHRASE_MIN     10
#define NGX_SRT_PASSPHRASE_MAX     79

#define NGX_SRT_SECRET_MIN         32
#define NGX_SRT_SECRET_MAX         256

/* libsrt's own refusals, which the module only sees as a failed handshake */
#define NGX_SRT_HANDSHAKE          1010

#define NGX_SRT_PEER_LEN           (NGX_SOCKADDR_STRLEN + 1)
#define NGX_SRT_PREAMBLE_MAX       512

#define NGX_SRT_RECORDS            64
#define NGX_SRT_RECORD_LEN         128


typedef struct ngx_srt_runtime_s  ngx_srt_runtime_t;
typedef struct ngx_srt_session_s  ngx_srt_session_t;
typedef struct ngx_srt_server_s   ngx_srt_server_t;


typedef struct {
    void                     **main_conf;
    void                     **srv_conf;
} ngx_srt_conf_ctx_t;


typedef struct {
    ngx_str_t                  name;          /* as it was written */
    struct sockaddr           *sockaddr;
    socklen_t                  socklen;
    ngx_fd_t                   fd;            /* bound, the cycle's own */
} ngx_srt_listen_t;


typedef struct {
    ngx_array_t                listen;        /* ngx_srt_listen_t */

    ngx_msec_t                 latency;
    ngx_msec_t                 peer_idle_timeout;
    ngx_uint_t                 max_connections;
    ngx_uint_t                 max_per_address;

    ngx_str_t                  secret_file;
    ngx_str_t                  passphrase_file;
    ngx_str_t                  secret;        /* wiped with the cycle */
    ngx_str_t                  passphrase;    /* wiped with the cycle */
    ngx_str_t                  admit_list;

    ngx_uint_t                 pbkeylen;
    ngx_flag_t                 enforced_encryption;
    time_t                     signed_skew;
    time_t                     signed_max_lifetime;
    ngx_uint_t                 signed_reuse;  /* by the same address */

    ngx_log_t                 *error_log;     /* NULL: that of the block */

    ngx_addr_t                *pass;
    ngx_msec_t                 pass_connect_timeout;
    ngx_msec_t                 pass_send_timeout;

    size_t                     buffer_size;
    size_t                     receive_buffer;
    ngx_int_t                  mss;
    ngx_int_t                  flight_window;
} ngx_srt_srv_conf_t;


typedef struct {
    ngx_array_t                servers;       /* ngx_srt_srv_conf_t * */
    ngx_log_t                 *error_log;     /* NULL: that of the main level */
    ngx_fd_t                   state_fd;      /* nonces, and whose turn it is */
} ngx_srt_main_conf_t;


/* libsrt's counters of one caller, since its beginning */

typedef struct {
    uint64_t                   bytes;
    uint64_t                   packets;
    uint64_t                   lost;
    uint64_t                   retransmitted;
    uint64_t                   dropped;
    uint64_t                   undecrypted;
    uint64_t                   bitrate;       /* bits per second */
    uint64_t                   rated;         /* bytes when it was measured */
    uint64_t                   buffer;        /* bytes in libsrt */
    ngx_uint_t                 latency;       /* milliseconds */
    double                     rtt;           /* milliseconds */
    int64_t                    rated_at;
} ngx_srt_stats_t;


typedef struct {
    char                       slug[NGX_SRT_SLUG_MAX + 1];
    char                       key_id[NGX_SRT_KEY_ID_MAX + 1];
    char                       nonce[NGX_SRT_NONCE_MAX + 1];
    char                       peer[NGX_SRT_PEER_LEN];
    uint64_t                   network;       /* IPv4, or the /64 of an IPv6 */
    unsigned                   is_signed:1;
    unsigned                   is_first:1;    /* to use its nonce */
    unsigned                   is_ipv6:1;
} ngx_srt_caller_t;


typedef enum {
    NGX_SRT_FREE = 0,
    NGX_SRT_PENDING,                          /* the gate let it in */
    NGX_SRT_ACCEPTED,                         /* the SRT thread looks at it */
    NGX_SRT_LIVE                              /* until nginx frees it */
} ngx_srt_state_e;


struct ngx_srt_session_s {

    /* under the mutex; from accepted on, nobody changes the caller */

    ngx_srt_state_e            state;
    ngx_srt_server_t          *server;
    void                      *listener;
    ngx_srt_caller_t           caller;
    ngx_srt_stats_t            stats;
    SRTSOCKET                  sock;
    uint64_t                   id;
    int64_t                    since;
    ngx_uint_t                 key_length;    /* bytes, 0: not encrypted */
    uint32_t                   peer_version;

    /* between the two threads */

    ngx_srt_ring_t             ring;
    _Atomic(const char *)      abort;         /* why the caller has to go */
    _Atomic unsigned           eof;           /* nothing more will be written */
    _Atomic unsigned           paused;

    /* the SRT thread's */

    uint64_t                   received;
    const char                *reason;        /* why it ended; set before eof */
    int                        latency;       /* milliseconds, as negotiated */
    int64_t                    broken_at;
    unsigned                   broken:1;

    /* nginx's thread's */

    ngx_queue_t                queue;
    ngx_peer_connection_t      upstream;
    u_char                     preamble[NGX_SRT_PREAMBLE_MAX];
    u_char                    *preamble_pos;
    u_char                    *preamble_last;
    unsigned                   attached:1;
    unsigned                   connected:1;
};


struct ngx_srt_server_s {
    ngx_srt_runtime_t         *runtime;
    ngx_srt_srv_conf_t        *conf;
    ngx_log_t                 *log;

    ngx_srt_session_t         *sessions;      /* max_connections of them */
    ngx_srt_admit_t           *list;          /* under the mutex */

    /* nginx's thread's: which list that is */

    ngx_file_uniq_t            list_uniq;
    struct timespec            list_mtime;
    off_t                      list_size;
    unsigned                   list_seen:1;
    unsigned                   list_missed:1;
    unsigned                   list_failed:1; /* it was said */
};


typedef struct {
    ngx_srt_server_t          *server;
    ngx_srt_listen_t          *listen;
    SRTSOCKET                  sock;          /* the SRT thread's */
} ngx_srt_listener_t;


/* what another thread has to say; nginx's thread logs it */

typedef struct {
    ngx_log_t                 *log;
    ngx_uint_t                 level;
    int                        code;          /* of a refusal, or 0 */
    char                       text[NGX_SRT_RECORD_LEN];
    char                       slug[NGX_SRT_SLUG_MAX + 1];
    char                       key_id[NGX_SRT_KEY_ID_MAX + 1];
    char                       peer[NGX_SRT_PEER_LEN];
} ngx_srt_record_t;


typedef struct {
    int                        code;
    uint64_t                   count;
} ngx_srt_refused_t;


struct ngx_srt_runtime_s {
    ngx_srt_main_conf_t       *conf;
    ngx_log_t                 *log;
    int64_t                    started_at;

    ngx_srt_server_t          *servers;
    ngx_uint_t                 nservers;
    ngx_srt_listener_t        *listeners;
    ngx_uint_t                 nlisteners;
    ngx_uint_t                 nsessions;     /* of all servers */

    pthread_t                  thread;
    _Atomic unsigned           stop;
    _Atomic unsigned           fresh;         /* live, not attached yet */

    pthread_mutex_t            mutex;

    /* under the mutex */

    ngx_srt_replay_t          *replay;
    ngx_srt_filter_t           filter;
    ngx_uint_t                 npending;
    uint64_t                   accepted;
    uint64_t                   closed;
    ngx_srt_stats_t            totals;
    ngx_srt_record_t           records[NGX_SRT_RECORDS];
    ngx_uint_t                 nrecords;
    ngx_uint_t                 nunsaid;       /* records that had no room */

    /* nginx's thread's */

    ngx_connection_t          *notify;
    ngx_fd_t                   notify_fd;
    ngx_event_t                timer;
    ngx_connection_t           dummy;         /* the timer's */
    ngx_queue_t                sessions;      /* attached */
    time_t                     log_second;
    ngx_uint_t                 log_lines;
    ngx_uint_t                 log_unsaid;

    unsigned                   thread_started:1;
};


/* ngx_srt_conf.c */

void *ngx_srt_create_srv_conf(ngx_conf_t *cf);
char *ngx_srt_check_srv_conf(ngx_conf_t *cf, ngx_srt_srv_conf_t *sscf);
char *ngx_srt_conf_listen(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_srt_conf_pass(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_srt_conf_max_connections(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_srt_conf_passphrase(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_srt_conf_error_log(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* ngx_srt_secret.c */

ngx_int_t ngx_srt_secrets_read(ngx_cycle_t *cycle, ngx_srt_srv_conf_t *sscf);
ngx_int_t ngx_srt_secret_copy(ngx_pool_t *pool, ngx_str_t *secret,
    u_char *data, size_t len);

/* ngx_srt_socket.c */

ngx_int_t ngx_srt_sockets_open(ngx_cycle_t *cycle, ngx_srt_main_conf_t *smcf);
ngx_int_t ngx_srt_state_lock(ngx_fd_t fd);
void ngx_srt_state_unlock(ngx_fd_t fd);

/* ngx_srt_runtime.c */

ngx_srt_runtime_t *ngx_srt_runtime_create(ngx_cycle_t *cycle,
    ngx_srt_main_conf_t *smcf);
void ngx_srt_runtime_destroy(ngx_srt_runtime_t *rt);
int64_t ngx_srt_now(void);
void ngx_srt_notify(ngx_srt_runtime_t *rt);

/* ngx_srt_gate.c: the listen callback, and its places; call with the mutex */

int ngx_srt_gate(void *data, SRTSOCKET sock, int version,
    const struct sockaddr *peer, const char *streamid);
ngx_srt_session_t *ngx_srt_gate_find(ngx_srt_listener_t *listener,
    SRTSOCKET sock);
void ngx_srt_gate_release(ngx_srt_session_t *s);
void ngx_srt_gate_forgive(ngx_srt_session_t *s);
void ngx_srt_gate_reap(ngx_srt_server_t *server, ngx_srt_listener_t *inside);

/* ngx_srt_listener.c */

ngx_int_t ngx_srt_listener_start(ngx_srt_listener_t *listener, int epoll);

/* ngx_srt_thread.c */

ngx_int_t ngx_srt_thread_start(ngx_srt_runtime_t *rt);
void ngx_srt_thread_stop(ngx_srt_runtime_t *rt);

/* ngx_srt_session.c */

void ngx_srt_session_notified(ngx_event_t *rev);
void ngx_srt_session_end(ngx_srt_session_t *s);

/* ngx_srt_list.c */

void ngx_srt_list_poll(ngx_srt_runtime_t *rt);

/* ngx_srt_log.c: the first two from any thread, with the mutex */

void ngx_srt_log_refusal(ngx_srt_server_t *server, int code,
    const char *reason, const ngx_srt_caller_t *caller);
void ngx_srt_log_text(ngx_srt_server_t *server, ngx_uint_t level,
    const char *text, const ngx_srt_caller_t *caller);
void ngx_srt_log_flush(ngx_srt_runtime_t *rt);
ngx_uint_t ngx_srt_log_refused(ngx_srt_runtime_t *rt,
    ngx_srt_refused_t **refused);


extern ngx_module_t        ngx_srt_module;
extern ngx_module_t        ngx_srt_core_module;
extern ngx_srt_runtime_t  *ngx_srt_runtime;    /* of this worker, or NULL */


#endif /* _NGX_SRT_H_INCLUDED_ */

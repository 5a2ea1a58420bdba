/*
 * What the kernel drops before libsrt sees it.  libsrt takes the MSS and the
 * flow window of a handshake as the caller wrote them: one packet may cost it
 * gigabytes, or end the process; and every handshake that it refuses in the end
 * holds tens to hundreds of kilobytes for a second or more.  Its callback comes
 * too late for both.  A classic BPF program on the UDP socket is not,
 * and needs no privilege.
 *
 * It judges handshakes to the listener only: packets of callers that are on air
 * always pass.
 */

#ifndef _NGX_SRT_FILTER_H_INCLUDED_
#define _NGX_SRT_FILTER_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>


#define NGX_SRT_FILTER_ADDRESSES   512
#define NGX_SRT_FILTER_BLOCKS      256

/* one TS packet in IP, UDP and SRT headers; libsrt loops or aborts below 76 */

#define NGX_SRT_FILTER_MSS_MIN     232
#define NGX_SRT_FILTER_MSS_MAX     65535

/* libsrt allocates 24 bytes for each packet of it; its default is 25600 */

#define NGX_SRT_FILTER_WINDOW_MIN  2
#define NGX_SRT_FILTER_WINDOW_MAX  65536

/* attempts are counted for so long; an address's first block lasts as long */

#define NGX_SRT_FILTER_PERIOD_MS   1000

/* each further block within this lasts twice as long as the last, up to this */

#define NGX_SRT_FILTER_LONGEST_MS  16000

/* so many addresses that have proved a key are remembered, and for so long */

#define NGX_SRT_FILTER_TRUSTED     128
#define NGX_SRT_FILTER_TRUST_MS    3600000


typedef struct {
    uint32_t                address;         /* IPv4, or hash of an IPv6 /64 */
    int64_t                 blocked_until;   /* now, or the last time */
    int64_t                 block_ms;        /* 0: it never was */
    int64_t                 trusted_until;   /* 0: it is not */
    uint32_t                attempts;        /* in this period */
    unsigned                ipv6:1;
    unsigned                blocked:1;
} ngx_srt_filter_entry_t;


typedef struct {
    uint32_t                per_address;     /* attempts in a period */
    uint32_t                in_all;
    uint32_t                attempts;        /* of everybody in this period */
    int64_t                 period_ends;
    int64_t                 closed_until;    /* for everybody; 0: it is not */
    uint32_t                factor[2];       /* of the hash, secret */
    size_t                  used;
    ngx_srt_filter_entry_t  entry[NGX_SRT_FILTER_ADDRESSES];
} ngx_srt_filter_t;


/*
 * Limits of attempts in a period, from one address and from everybody.  Beyond
 * the second, the addresses that tried most in this period are blocked, so that
 * those who try once are still heard; where there is no room for that,
 * everybody is.  Both spare the addresses that are trusted, and what still
 * comes from one that is blocked counts for nobody.
 */

void ngx_srt_filter_init(ngx_srt_filter_t *filter, uint32_t per_address,
    uint32_t in_all);


/*
 * Counts a conclusion, whatever becomes of it: for each call of the listen
 * callback.  A clock that never goes back.  Returns 1 if somebody is blocked by
 * it: attach the filter to every socket again.
 */

int ngx_srt_filter_attempt(ngx_srt_filter_t *filter,
    const struct sockaddr *peer, int64_t now_ms);


/*
 * Whether the address is blocked.  To be asked after the attempt, and if so,
 * the callback refuses at once: what was received before the filter was
 * attached is still on its way, and a refusal costs least there.
 */

int ngx_srt_filter_refuses(const ngx_srt_filter_t *filter,
    const struct sockaddr *peer);


/* A caller from there has proved its key, and is on air. */

void ngx_srt_filter_admitted(ngx_srt_filter_t *filter,
    const struct sockaddr *peer, int64_t now_ms);


/* To be called several times in a period.  Returns 1 if a block has ended. */

int ngx_srt_filter_expire(ngx_srt_filter_t *filter, int64_t now_ms);


/* Puts the filter in place of the socket's last one.  0, or -1 with errno. */

int ngx_srt_filter_attach(const ngx_srt_filter_t *filter, int fd);


#endif /* _NGX_SRT_FILTER_H_INCLUDED_ */

/*
 * Bounds what strangers may cost, in the kernel.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE                 /* SO_ATTACH_FILTER */
#endif

#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>

#include "ngx_srt_filter.h"


/* what the program sees: a UDP header, then the SRT packet */

#define NGX_SRT_FILTER_WORD(n)      (8 + 4 * (n))

#define NGX_SRT_FILTER_HEADER       NGX_SRT_FILTER_WORD(0)
#define NGX_SRT_FILTER_SOCKET_ID    NGX_SRT_FILTER_WORD(3)
#define NGX_SRT_FILTER_VERSION      NGX_SRT_FILTER_WORD(4)
#define NGX_SRT_FILTER_SEQUENCE     NGX_SRT_FILTER_WORD(6)
#define NGX_SRT_FILTER_MSS          NGX_SRT_FILTER_WORD(7)
#define NGX_SRT_FILTER_WINDOW       NGX_SRT_FILTER_WORD(8)
#define NGX_SRT_FILTER_KIND         NGX_SRT_FILTER_WORD(9)

/* UDP header, SRT header, and a handshake without extensions */

#define NGX_SRT_FILTER_LENGTH_MIN   (8 + 16 + 48)

#define NGX_SRT_FILTER_HANDSHAKE    0x80000000
#define NGX_SRT_FILTER_INDUCTION    1
#define NGX_SRT_FILTER_CONCLUSION   0xffffffff
#define NGX_SRT_FILTER_SEQUENCE_MAX 0x7fffffff

#define NGX_SRT_FILTER_IP           ((uint32_t) SKF_NET_OFF)
#define NGX_SRT_FILTER_IPV4_SOURCE  ((uint32_t) SKF_NET_OFF + 12)
#define NGX_SRT_FILTER_IPV6_SOURCE  ((uint32_t) SKF_NET_OFF + 8)

#define NGX_SRT_FILTER_PASS         ((uint32_t) -1)
#define NGX_SRT_FILTER_DROP         0

/* extension blocks of a conclusion: no honest caller sends more than five */

#define NGX_SRT_FILTER_EXTENSIONS   8
#define NGX_SRT_FILTER_HSREQ        1
#define NGX_SRT_FILTER_KMREQ        3
#define NGX_SRT_FILTER_STREAM_ID    5
#define NGX_SRT_FILTER_CONGESTION   6
#define NGX_SRT_FILTER_GROUP        8

/* 512 bytes, in words: the longest stream id */

#define NGX_SRT_FILTER_BLOCK_MAX    128

/* the most that a program can have: see the functions that write it */

#define NGX_SRT_FILTER_PROGRAM_MAX  (64 + 16 * NGX_SRT_FILTER_EXTENSIONS      \
                                     + NGX_SRT_FILTER_BLOCKS                  \
                                     + 2 * (NGX_SRT_FILTER_BLOCKS             \
                                            / NGX_SRT_FILTER_REACH))

/* a conditional jump goes over 255 instructions at most */

#define NGX_SRT_FILTER_REACH        128


typedef struct {
    unsigned short          len;
    struct sock_filter      code[NGX_SRT_FILTER_PROGRAM_MAX];
} ngx_srt_filter_program_t;


static int ngx_srt_filter_address(const ngx_srt_filter_t *filter,
    const struct sockaddr *peer, ngx_srt_filter_entry_t *entry);
static const ngx_srt_filter_entry_t *ngx_srt_filter_known(
    const ngx_srt_filter_t *filter, const struct sockaddr *peer);
static ngx_srt_filter_entry_t *ngx_srt_filter_find(ngx_srt_filter_t *filter,
    const ngx_srt_filter_entry_t *wanted);
static void ngx_srt_filter_block(ngx_srt_filter_entry_t *entry,
    int64_t now_ms);
static int ngx_srt_filter_brake(ngx_srt_filter_t *filter, int64_t now_ms);
static int ngx_srt_filter_close(ngx_srt_filter_t *filter, int64_t now_ms);
static void ngx_srt_filter_write_bounds(ngx_srt_filter_program_t *program);
static void ngx_srt_filter_write_extensions(ngx_srt_filter_program_t *program);
static void ngx_srt_filter_write_addresses(ngx_srt_filter_program_t *program,
    const ngx_srt_filter_t *filter, unsigned ipv6);
static void ngx_srt_filter_end_row(ngx_srt_filter_program_t *program,
    unsigned short first, uint32_t verdict);
static size_t ngx_srt_filter_blocked(const ngx_srt_filter_t *filter);
static void ngx_srt_filter_load(ngx_srt_filter_program_t *program,
    uint32_t offset);
static void ngx_srt_filter_require(ngx_srt_filter_program_t *program,
    uint16_t compare, uint32_t value, unsigned outcome);
static void ngx_srt_filter_write(ngx_srt_filter_program_t *program,
    uint16_t code, uint8_t jt, uint8_t jf, uint32_t k);


void
ngx_srt_filter_init(ngx_srt_filter_t *filter, uint32_t per_address,
    uint32_t in_all)
{
    memset(filter, 0, sizeof(ngx_srt_filter_t));

    filter->per_address = per_address;
    filter->in_all = in_all;

    /* so that nobody can look for a network with the hash of another's */

    if (getrandom(filter->factor, sizeof(filter->factor), 0)
        != (ssize_t) sizeof(filter->factor))
    {
        filter->factor[0] = 0x9e3779b1;
        filter->factor[1] = 0x85ebca6b;
    }

    filter->factor[0] |= 1;
    filter->factor[1] |= 1;
}


int
ngx_srt_filter_attempt(ngx_srt_filter_t *filter, const struct sockaddr *peer,
    int64_t now_ms)
{
    int                      changed;
    ngx_srt_filter_entry_t   wanted, *entry;

    changed = ngx_srt_filter_expire(filter, now_ms);

    if (ngx_srt_filter_address(filter, peer, &wanted) != 0) {
        return changed;
    }

    entry = ngx_srt_filter_find(filter, &wanted);
    if (entry == NULL) {
        return ngx_srt_filter_close(filter, now_ms) || changed;
    }

    /* what the kernel had let through before its block is nobody else's */

    if (entry->blocked) {
        return changed;
    }

    filter->attempts++;

    if (++entry->attempts > filter->per_address) {

        if (ngx_srt_filter_blocked(filter) == NGX_SRT_FILTER_BLOCKS) {
            entry->trusted_until = 0;
            (void) ngx_srt_filter_close(filter, now_ms);

            return 1;
        }

        ngx_srt_filter_block(entry, now_ms);
        changed = 1;
    }

    if (filter->attempts > filter->in_all) {
        return ngx_srt_filter_brake(filter, now_ms) || changed;
    }

    return changed;
}


int
ngx_srt_filter_refuses(const ngx_srt_filter_t *filter,
    const struct sockaddr *peer)
{
    const ngx_srt_filter_entry_t  *entry;

    entry = ngx_srt_filter_known(filter, peer);

    if (entry != NULL && entry->blocked) {
        return 1;
    }

    return filter->closed_until != 0
           && (entry == NULL || entry->trusted_until == 0);
}


void
ngx_srt_filter_admitted(ngx_srt_filter_t *filter, const struct sockaddr *peer,
    int64_t now_ms)
{
    size_t                   i, trusted;
    ngx_srt_filter_entry_t   wanted, *entry, *oldest;

    if (ngx_srt_filter_address(filter, peer, &wanted) != 0) {
        return;
    }

    entry = ngx_srt_filter_find(filter, &wanted);
    if (entry == NULL) {
        return;
    }

    entry->trusted_until = now_ms + NGX_SRT_FILTER_TRUST_MS;

    /* the kernel hears of it with the next change: its caller is in */

    entry->blocked = 0;

    oldest = entry;

    for (i = 0, trusted = 0; i < filter->used; i++) {
        if (filter->entry[i].trusted_until == 0) {
            continue;
        }

        trusted++;

        if (filter->entry[i].trusted_until < oldest->trusted_until) {
            oldest = &filter->entry[i];
        }
    }

    if (trusted > NGX_SRT_FILTER_TRUSTED) {
        oldest->trusted_until = 0;
    }
}


int
ngx_srt_filter_expire(ngx_srt_filter_t *filter, int64_t now_ms)
{
    int                      changed;
    size_t                   i, kept;
    ngx_srt_filter_entry_t  *entry;

    changed = 0;

    if (filter->closed_until != 0 && filter->closed_until <= now_ms) {
        filter->closed_until = 0;
        changed = 1;
    }

    for (i = 0; i < filter->used; i++) {
        entry = &filter->entry[i];

        if (entry->blocked && entry->blocked_until <= now_ms) {
            entry->blocked = 0;
            entry->attempts = 0;
            changed = 1;
        }
    }

    if (now_ms < filter->period_ends) {
        return changed;
    }

    filter->period_ends = now_ms + NGX_SRT_FILTER_PERIOD_MS;
    filter->attempts = 0;

    /*
     * Who has proved a key is remembered, and for a while who was blocked: the
     * next time is longer.
     */

    for (i = 0, kept = 0; i < filter->used; i++) {
        entry = &filter->entry[i];

        if (entry->trusted_until <= now_ms) {
            entry->trusted_until = 0;
        }

        if (entry->trusted_until != 0
            || (entry->block_ms != 0
                && now_ms < entry->blocked_until + NGX_SRT_FILTER_LONGEST_MS))
        {
            entry->attempts = 0;
            filter->entry[kept++] = *entry;
        }
    }

    filter->used = kept;

    return changed;
}


static void
ngx_srt_filter_block(ngx_srt_filter_entry_t *entry, int64_t now_ms)
{
    entry->block_ms = entry->block_ms == 0 ? NGX_SRT_FILTER_PERIOD_MS
                                           : 2 * entry->block_ms;

    if (entry->block_ms > NGX_SRT_FILTER_LONGEST_MS) {
        entry->block_ms = NGX_SRT_FILTER_LONGEST_MS;
    }

    entry->blocked = 1;
    entry->blocked_until = now_ms + entry->block_ms;
}


/*
 * Too many attempts in all: who made most of them waits, at least half as many
 * as the busiest; who has just come, or comes new, is heard.
 */

static int
ngx_srt_filter_brake(ngx_srt_filter_t *filter, int64_t now_ms)
{
    size_t                   i, blocked, room;
    uint32_t                 most;
    ngx_srt_filter_entry_t  *entry;

    most = 0;

    for (i = 0; i < filter->used; i++) {
        entry = &filter->entry[i];

        if (!entry->blocked && entry->trusted_until == 0
            && entry->attempts > most)
        {
            most = entry->attempts;
        }
    }

    blocked = 0;
    room = NGX_SRT_FILTER_BLOCKS - ngx_srt_filter_blocked(filter);

    for (i = 0; i < filter->used && blocked < room; i++) {
        entry = &filter->entry[i];

        if (!entry->blocked && entry->trusted_until == 0
            && entry->attempts != 0 && entry->attempts >= most - most / 2)
        {
            ngx_srt_filter_block(entry, now_ms);
            blocked++;
        }
    }

    if (blocked == 0) {
        return ngx_srt_filter_close(filter, now_ms);
    }

    /* the others begin anew */

    filter->attempts = 0;

    return 1;
}


/* nobody may begin for a period */

static int
ngx_srt_filter_close(ngx_srt_filter_t *filter, int64_t now_ms)
{
    if (filter->closed_until != 0) {
        return 0;
    }

    filter->closed_until = now_ms + NGX_SRT_FILTER_PERIOD_MS;

    return 1;
}


static int
ngx_srt_filter_address(const ngx_srt_filter_t *filter,
    const struct sockaddr *peer, ngx_srt_filter_entry_t *entry)
{
    uint32_t                    words[4];
    const struct sockaddr_in   *sin;
    const struct sockaddr_in6  *sin6;

    memset(entry, 0, sizeof(ngx_srt_filter_entry_t));

    if (peer->sa_family == AF_INET) {
        sin = (const struct sockaddr_in *) peer;
        entry->address = ntohl(sin->sin_addr.s_addr);
        return 0;
    }

    if (peer->sa_family != AF_INET6) {
        return -1;
    }

    sin6 = (const struct sockaddr_in6 *) peer;
    memcpy(words, &sin6->sin6_addr, sizeof(words));

    if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
        entry->address = ntohl(words[3]);
        return 0;
    }

    /* who has one address of a /64 mostly has all of them */

    entry->address = ntohl(words[0]) * filter->factor[0]
                     + ntohl(words[1]) * filter->factor[1];
    entry->ipv6 = 1;

    return 0;
}


static const ngx_srt_filter_entry_t *
ngx_srt_filter_known(const ngx_srt_filter_t *filter,
    const struct sockaddr *peer)
{
    size_t                         i;
    ngx_srt_filter_entry_t         wanted;
    const ngx_srt_filter_entry_t  *entry;

    if (ngx_srt_filter_address(filter, peer, &wanted) != 0) {
        return NULL;
    }

    for (i = 0; i < filter->used; i++) {
        entry = &filter->entry[i];

        if (entry->address == wanted.address && entry->ipv6 == wanted.ipv6) {
            return entry;
        }
    }

    return NULL;
}


/* makes an entry if there is none; NULL if there is no room */

static ngx_srt_filter_entry_t *
ngx_srt_filter_find(ngx_srt_filter_t *filter,
    const ngx_srt_filter_entry_t *wanted)
{
    size_t                   i;
    ngx_srt_filter_entry_t  *entry;

    for (i = 0; i < filter->used; i++) {
        entry = &filter->entry[i];

        if (entry->address == wanted->address && entry->ipv6 == wanted->ipv6) {
            return entry;
        }
    }

    if (filter->used < NGX_SRT_FILTER_ADDRESSES) {
        entry = &filter->entry[filter->used++];
        *entry = *wanted;

        return entry;
    }

    /* a memory of blocks that are over may go */

    for (i = 0; i < filter->used; i++) {
        entry = &filter->entry[i];

        if (!entry->blocked && entry->attempts == 0
            && entry->trusted_until == 0)
        {
            *entry = *wanted;
            return entry;
        }
    }

    return NULL;
}


static size_t
ngx_srt_filter_blocked(const ngx_srt_filter_t *filter)
{
    size_t  i, n;

    for (i = 0, n = 0; i < filter->used; i++) {
        if (filter->entry[i].blocked) {
            n++;
        }
    }

    return n;
}


int
ngx_srt_filter_attach(const ngx_srt_filter_t *filter, int fd)
{
    struct sock_fprog         fprog;
    ngx_srt_filter_program_t  program;

    program.len = 0;

    ngx_srt_filter_write_bounds(&program);

    ngx_srt_filter_write_addresses(&program, filter, 0);
    ngx_srt_filter_write_addresses(&program, filter, 1);

    ngx_srt_filter_write(&program, BPF_RET|BPF_K, 0, 0,
                         filter->closed_until != 0 ? NGX_SRT_FILTER_DROP
                                                   : NGX_SRT_FILTER_PASS);

    fprog.len = program.len;
    fprog.filter = program.code;

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &fprog, sizeof(fprog));
}


/* 27 instructions */

static void
ngx_srt_filter_write_bounds(ngx_srt_filter_program_t *program)
{
    unsigned short  induction;

    /* whatever is no handshake to the listener passes; the subtype is unused */

    ngx_srt_filter_load(program, NGX_SRT_FILTER_HEADER);
    ngx_srt_filter_write(program, BPF_ALU|BPF_AND|BPF_K, 0, 0, 0xffff0000);
    ngx_srt_filter_write(program, BPF_JMP|BPF_JEQ|BPF_K, 1, 0,
                         NGX_SRT_FILTER_HANDSHAKE);
    ngx_srt_filter_write(program, BPF_RET|BPF_K, 0, 0, NGX_SRT_FILTER_PASS);

    ngx_srt_filter_load(program, NGX_SRT_FILTER_SOCKET_ID);
    ngx_srt_filter_write(program, BPF_JMP|BPF_JEQ|BPF_K, 1, 0, 0);
    ngx_srt_filter_write(program, BPF_RET|BPF_K, 0, 0, NGX_SRT_FILTER_PASS);

    /* a load beyond the end drops the packet as well */

    ngx_srt_filter_write(program, BPF_LD|BPF_W|BPF_LEN, 0, 0, 0);
    ngx_srt_filter_require(program, BPF_JGE, NGX_SRT_FILTER_LENGTH_MIN, 1);

    ngx_srt_filter_load(program, NGX_SRT_FILTER_SEQUENCE);
    ngx_srt_filter_require(program, BPF_JGT, NGX_SRT_FILTER_SEQUENCE_MAX, 0);

    ngx_srt_filter_load(program, NGX_SRT_FILTER_MSS);
    ngx_srt_filter_require(program, BPF_JGE, NGX_SRT_FILTER_MSS_MIN, 1);
    ngx_srt_filter_require(program, BPF_JGT, NGX_SRT_FILTER_MSS_MAX, 0);

    ngx_srt_filter_load(program, NGX_SRT_FILTER_WINDOW);
    ngx_srt_filter_require(program, BPF_JGE, NGX_SRT_FILTER_WINDOW_MIN, 1);
    ngx_srt_filter_require(program, BPF_JGT, NGX_SRT_FILTER_WINDOW_MAX, 0);

    /* only a conclusion has extensions */

    ngx_srt_filter_load(program, NGX_SRT_FILTER_KIND);

    induction = program->len;
    ngx_srt_filter_write(program, BPF_JMP|BPF_JEQ|BPF_K, 0, 0,
                         NGX_SRT_FILTER_INDUCTION);

    ngx_srt_filter_require(program, BPF_JEQ, NGX_SRT_FILTER_CONCLUSION, 1);

    ngx_srt_filter_write_extensions(program);

    program->code[induction].jt = (uint8_t) (program->len - induction - 1);
}


/*
 * 4 instructions, and 16 for each block.  libsrt 1.5.1 reads beyond an empty
 * packet filter, and what a filter asks for is memory: none are admitted, nor
 * is what we do not know.
 */

static void
ngx_srt_filter_write_extensions(ngx_srt_filter_program_t *program)
{
    int             i;
    size_t          n;
    unsigned short  end[NGX_SRT_FILTER_EXTENSIONS];

    static const uint8_t  known[] = {
        NGX_SRT_FILTER_HSREQ,
        NGX_SRT_FILTER_KMREQ,
        NGX_SRT_FILTER_STREAM_ID,
        NGX_SRT_FILTER_CONGESTION,
        NGX_SRT_FILTER_GROUP
    };

    /* X is where the next block begins */

    ngx_srt_filter_write(program, BPF_LDX|BPF_W|BPF_IMM, 0, 0,
                         NGX_SRT_FILTER_LENGTH_MIN);

    for (i = 0; i < NGX_SRT_FILTER_EXTENSIONS; i++) {
        ngx_srt_filter_write(program, BPF_LD|BPF_W|BPF_LEN, 0, 0, 0);

        end[i] = program->len;
        ngx_srt_filter_write(program, BPF_JMP|BPF_JEQ|BPF_X, 0, 0, 0);

        ngx_srt_filter_write(program, BPF_LD|BPF_H|BPF_IND, 0, 0, 0);

        for (n = 0; n < sizeof(known); n++) {
            ngx_srt_filter_write(program, BPF_JMP|BPF_JEQ|BPF_K,
                                 (uint8_t) (sizeof(known) - n), 0, known[n]);
        }

        ngx_srt_filter_write(program, BPF_RET|BPF_K, 0, 0,
                             NGX_SRT_FILTER_DROP);

        ngx_srt_filter_write(program, BPF_LD|BPF_H|BPF_IND, 0, 0, 2);
        ngx_srt_filter_require(program, BPF_JGT, NGX_SRT_FILTER_BLOCK_MAX, 0);

        ngx_srt_filter_write(program, BPF_ALU|BPF_LSH|BPF_K, 0, 0, 2);
        ngx_srt_filter_write(program, BPF_ALU|BPF_ADD|BPF_K, 0, 0, 4);
        ngx_srt_filter_write(program, BPF_ALU|BPF_ADD|BPF_X, 0, 0, 0);
        ngx_srt_filter_write(program, BPF_MISC|BPF_TAX, 0, 0, 0);
    }

    /* the last one has to end where the packet does */

    ngx_srt_filter_write(program, BPF_LD|BPF_W|BPF_LEN, 0, 0, 0);
    ngx_srt_filter_write(program, BPF_JMP|BPF_JEQ|BPF_X, 1, 0, 0);
    ngx_srt_filter_write(program, BPF_RET|BPF_K, 0, 0, NGX_SRT_FILTER_DROP);

    for (i = 0; i < NGX_SRT_FILTER_EXTENSIONS; i++) {
        program->code[end[i]].jt = (uint8_t) (program->len - end[i] - 1);
    }
}


/*
 * Up to 10 instructions, one for each address, and 2 for each full reach.  The
 * kernel holds two programs while it exchanges them, in net.core.optmem_max: of
 * 20 kB in Linux 6.1, they need 16.
 */

static void
ngx_srt_filter_write_addresses(ngx_srt_filter_program_t *program,
    const ngx_srt_filter_t *filter, unsigned ipv6)
{
    int                            closed, named;
    size_t                         i;
    uint32_t                       verdict;
    unsigned short                 version, first;
    const ngx_srt_filter_entry_t  *entry;

    /* open, the blocked are dropped; closed, only the trusted pass */

    closed = filter->closed_until != 0;
    verdict = closed ? NGX_SRT_FILTER_PASS : NGX_SRT_FILTER_DROP;

    /* an IPv6 socket may get IPv4: the packet says which it is */

    ngx_srt_filter_write(program, BPF_LD|BPF_B|BPF_ABS, 0, 0,
                         NGX_SRT_FILTER_IP);
    ngx_srt_filter_write(program, BPF_ALU|BPF_RSH|BPF_K, 0, 0, 4);
    ngx_srt_filter_write(program, BPF_JMP|BPF_JEQ|BPF_K, 1, 0, ipv6 ? 6 : 4);

    version = program->len;
    ngx_srt_filter_write(program, BPF_JMP|BPF_JA, 0, 0, 0);

    if (ipv6) {
        ngx_srt_filter_load(program, NGX_SRT_FILTER_IPV6_SOURCE + 4);
        ngx_srt_filter_write(program, BPF_ALU|BPF_MUL|BPF_K, 0, 0,
                             filter->factor[1]);
        ngx_srt_filter_write(program, BPF_MISC|BPF_TAX, 0, 0, 0);
        ngx_srt_filter_load(program, NGX_SRT_FILTER_IPV6_SOURCE);
        ngx_srt_filter_write(program, BPF_ALU|BPF_MUL|BPF_K, 0, 0,
                             filter->factor[0]);
        ngx_srt_filter_write(program, BPF_ALU|BPF_ADD|BPF_X, 0, 0, 0);

    } else {
        ngx_srt_filter_load(program, NGX_SRT_FILTER_IPV4_SOURCE);
    }

    first = program->len;

    for (i = 0; i < filter->used; i++) {
        entry = &filter->entry[i];

        named = closed ? entry->trusted_until != 0 && !entry->blocked
                       : entry->blocked;

        if (!named || entry->ipv6 != ipv6) {
            continue;
        }

        ngx_srt_filter_write(program, BPF_JMP|BPF_JEQ|BPF_K, 0, 0,
                             entry->address);

        if (program->len - first == NGX_SRT_FILTER_REACH) {
            ngx_srt_filter_end_row(program, first, verdict);
            first = program->len;
        }
    }

    ngx_srt_filter_end_row(program, first, verdict);

    program->code[version].k = program->len - version - 1;
}


/* of comparisons: all of them jump to the same verdict */

static void
ngx_srt_filter_end_row(ngx_srt_filter_program_t *program,
    unsigned short first, uint32_t verdict)
{
    unsigned short  i;

    for (i = first; i < program->len; i++) {
        program->code[i].jt = (uint8_t) (program->len - i);
    }

    ngx_srt_filter_write(program, BPF_JMP|BPF_JA, 0, 0, 1);

    ngx_srt_filter_write(program, BPF_RET|BPF_K, 0, 0, verdict);
}


static void
ngx_srt_filter_load(ngx_srt_filter_program_t *program, uint32_t offset)
{
    ngx_srt_filter_write(program, BPF_LD|BPF_W|BPF_ABS, 0, 0, offset);
}


/* drops the packet unless the comparison comes out so */

static void
ngx_srt_filter_require(ngx_srt_filter_program_t *program, uint16_t compare,
    uint32_t value, unsigned outcome)
{
    ngx_srt_filter_write(program, BPF_JMP|compare|BPF_K, outcome ? 1 : 0,
                         outcome ? 0 : 1, value);
    ngx_srt_filter_write(program, BPF_RET|BPF_K, 0, 0, NGX_SRT_FILTER_DROP);
}


static void
ngx_srt_filter_write(ngx_srt_filter_program_t *program, uint16_t code,
    uint8_t jt, uint8_t jf, uint32_t k)
{
    struct sock_filter  *instruction;

    instruction = &program->code[program->len++];

    instruction->code = code;
    instruction->jt = jt;
    instruction->jf = jf;
    instruction->k = k;
}

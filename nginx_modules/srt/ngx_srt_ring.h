/*
 * One thread writes, one reads, nobody waits.  A message is written in one
 * piece: behind the ring there is room for one more, whose end is then copied
 * to the front.
 */

#ifndef _NGX_SRT_RING_H_INCLUDED_
#define _NGX_SRT_RING_H_INCLUDED_


#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>


/* no SRT message in live mode is longer: an MSS of 1500 leaves 1456 */

#define NGX_SRT_MESSAGE_MAX        1500


typedef struct {
    unsigned char     *data;
    size_t             size;           /* without the room for one more */
    _Atomic uint64_t   written;        /* bytes that ever were: the writer's */
    _Atomic uint64_t   read;           /* the reader's */
} ngx_srt_ring_t;


/* 0, or -1 if there is no memory; the pages come when they are written to */

static inline int
ngx_srt_ring_create(ngx_srt_ring_t *ring, size_t size)
{
    void  *data;

    data = mmap(NULL, size + NGX_SRT_MESSAGE_MAX, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ring->data = data == MAP_FAILED ? NULL : data;
    ring->size = size;

    atomic_store(&ring->written, 0);
    atomic_store(&ring->read, 0);

    return ring->data == NULL ? -1 : 0;
}


/* gives the memory back to the system at once */

static inline void
ngx_srt_ring_destroy(ngx_srt_ring_t *ring)
{
    if (ring->data != NULL) {
        (void) munmap(ring->data, ring->size + NGX_SRT_MESSAGE_MAX);
        ring->data = NULL;
    }
}


static inline size_t
ngx_srt_ring_used(const ngx_srt_ring_t *ring)
{
    uint64_t  read;

    /* in this order: never more than there is */

    read = atomic_load_explicit(&ring->read, memory_order_acquire);

    return (size_t) (atomic_load_explicit(&ring->written, memory_order_acquire)
                     - read);
}


/* where the next message goes, or NULL if a long one has no room */

static inline unsigned char *
ngx_srt_ring_room(const ngx_srt_ring_t *ring)
{
    if (ring->size - ngx_srt_ring_used(ring) < NGX_SRT_MESSAGE_MAX) {
        return NULL;
    }

    return ring->data
           + atomic_load_explicit(&ring->written, memory_order_relaxed)
             % ring->size;
}


static inline void
ngx_srt_ring_write(ngx_srt_ring_t *ring, size_t len)
{
    size_t    end;
    uint64_t  written;

    written = atomic_load_explicit(&ring->written, memory_order_relaxed);
    end = (size_t) (written % ring->size) + len;

    if (end > ring->size) {
        memcpy(ring->data, ring->data + ring->size, end - ring->size);
    }

    atomic_store_explicit(&ring->written, written + len, memory_order_release);
}


/* the longest piece that lies together; 0 if the ring is empty */

static inline size_t
ngx_srt_ring_piece(const ngx_srt_ring_t *ring, unsigned char **data)
{
    size_t  used, at;

    used = ngx_srt_ring_used(ring);
    at = (size_t) (atomic_load_explicit(&ring->read, memory_order_relaxed)
                   % ring->size);

    *data = ring->data + at;

    return used < ring->size - at ? used : ring->size - at;
}


static inline void
ngx_srt_ring_read(ngx_srt_ring_t *ring, size_t len)
{
    uint64_t  read;

    read = atomic_load_explicit(&ring->read, memory_order_relaxed);
    atomic_store_explicit(&ring->read, read + len, memory_order_release);
}


#endif /* _NGX_SRT_RING_H_INCLUDED_ */

/*
 * Stands before libsrt, and lets it fail once: as soon as there is a file with
 * the name of the call, the first epoll, or listener, that asks is as good as
 * dead.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <unistd.h>

#include <srt/srt.h>


int
srt_epoll_uwait(int eid, SRT_EPOLL_EVENT *events, int size, int64_t timeout)
{
    static int    dead = -1;
    static int  (*real)(int, SRT_EPOLL_EVENT *, int, int64_t);

    if (real == NULL) {
        real = (int (*)(int, SRT_EPOLL_EVENT *, int, int64_t))
               dlsym(RTLD_NEXT, "srt_epoll_uwait");
    }

    if (dead == -1 && access(FOLDER "/epoll", F_OK) == 0) {
        dead = eid;
    }

    return eid == dead ? SRT_ERROR : real(eid, events, size, timeout);
}


SRT_SOCKSTATUS
srt_getsockstate(SRTSOCKET sock)
{
    SRT_SOCKSTATUS            status;

    static SRTSOCKET          dead = SRT_INVALID_SOCK;
    static SRT_SOCKSTATUS   (*real)(SRTSOCKET);

    if (real == NULL) {
        real = (SRT_SOCKSTATUS (*)(SRTSOCKET))
               dlsym(RTLD_NEXT, "srt_getsockstate");
    }

    status = real(sock);

    if (dead == SRT_INVALID_SOCK && status == SRTS_LISTENING
        && access(FOLDER "/listener", F_OK) == 0)
    {
        dead = sock;
    }

    return sock == dead ? SRTS_BROKEN : status;
}

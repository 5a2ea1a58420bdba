/*
 * Decides whether a caller comes in, from memory.
 */

#include "ngx_srt_admission.h"


static ngx_srt_verdict_t ngx_srt_admission_key(const ngx_srt_admit_t *list,
    const ngx_srt_streamid_t *id, int64_t now);
static ngx_srt_verdict_t ngx_srt_admission_ticket(
    const ngx_srt_streamid_t *id, const unsigned char *master,
    size_t master_len, const ngx_srt_policy_t *policy,
    const ngx_srt_replay_t *replay, const char *peer_address);
static ngx_srt_verdict_t ngx_srt_admission_verdict(
    const ngx_srt_streamid_t *id, int code, const char *reason);


ngx_srt_verdict_t
ngx_srt_admission_decide(const ngx_srt_admit_t *list,
    const ngx_srt_streamid_t *id, const unsigned char *master,
    size_t master_len, const ngx_srt_policy_t *policy,
    const ngx_srt_replay_t *replay, const char *peer_address)
{
    ngx_srt_verdict_t              verdict;
    const ngx_srt_admit_stream_t  *stream;

    if (list == NULL) {
        return ngx_srt_admission_verdict(id, NGX_SRT_DOWN, "no admit list");
    }

    stream = ngx_srt_admit_stream(list, &id->slug);
    if (stream == NULL) {
        return ngx_srt_admission_verdict(id, NGX_SRT_NOTFOUND,
                                         "no such stream");
    }

    if (id->is_signed
        && ((stream->ways & NGX_SRT_ADMIT_SIGNED) == 0
            || policy->enforced_encryption || master_len == 0))
    {
        return ngx_srt_admission_verdict(id, NGX_SRT_FORBIDDEN,
                                         "the signed way is not open");
    }

    if (!id->is_signed && (stream->ways & NGX_SRT_ADMIT_ENCRYPTED) == 0) {
        return ngx_srt_admission_verdict(id, NGX_SRT_FORBIDDEN,
                                         "the encrypted way is not open");
    }

    verdict = ngx_srt_admission_key(list, id, (int64_t) policy->now);
    if (verdict.code != 0) {
        return verdict;
    }

    if (id->is_signed) {
        verdict = ngx_srt_admission_ticket(id, master, master_len, policy,
                                           replay, peer_address);
        if (verdict.code != 0) {
            return verdict;
        }
    }

    if (stream->taken) {
        return ngx_srt_admission_verdict(id, NGX_SRT_CONFLICT,
                                         "another publisher is on air");
    }

    return verdict;
}


ngx_srt_verdict_t
ngx_srt_admission_use(ngx_srt_verdict_t verdict, const ngx_srt_streamid_t *id,
    const ngx_srt_policy_t *policy, ngx_srt_replay_t *replay,
    const char *peer_address)
{
    if (verdict.code == 0 && id->is_signed
        && ngx_srt_replay_use(replay, id, peer_address,
                              (int64_t) policy->now - policy->skew)
           != 0)
    {
        return ngx_srt_admission_verdict(id, NGX_SRT_OVERLOAD,
                                         "too many signed stream ids in use");
    }

    return verdict;
}


static ngx_srt_verdict_t
ngx_srt_admission_key(const ngx_srt_admit_t *list,
    const ngx_srt_streamid_t *id, int64_t now)
{
    const ngx_srt_admit_key_t  *key;

    key = ngx_srt_admit_key(list, &id->slug, &id->key_id);

    if (key == NULL) {
        return ngx_srt_admission_verdict(id, NGX_SRT_FORBIDDEN,
                                         "no such key, or revoked");
    }

    if (key->not_after != 0 && key->not_after < now) {
        return ngx_srt_admission_verdict(id, NGX_SRT_FORBIDDEN,
                                         "key expired, or not open now");
    }

    return ngx_srt_admission_verdict(id, 0, "admitted");
}


/* the signature comes first: only who holds a key learns more */

static ngx_srt_verdict_t
ngx_srt_admission_ticket(const ngx_srt_streamid_t *id,
    const unsigned char *master, size_t master_len,
    const ngx_srt_policy_t *policy, const ngx_srt_replay_t *replay,
    const char *peer_address)
{
    int                seen;
    int64_t            now;
    ngx_srt_verdict_t  verdict;

    now = (int64_t) policy->now;

    if (ngx_srt_token_verify(master, master_len, id) != 0) {
        return ngx_srt_admission_verdict(id, NGX_SRT_UNAUTHORIZED,
                                         "wrong signature");
    }

    if (id->expires_at < now - policy->skew) {
        return ngx_srt_admission_verdict(id, NGX_SRT_FORBIDDEN,
                                         "signed stream id expired");
    }

    if (id->expires_at > now + policy->max_lifetime + policy->skew) {
        return ngx_srt_admission_verdict(id, NGX_SRT_FORBIDDEN,
                                         "signed stream id lives too long");
    }

    seen = ngx_srt_replay_look(replay, id, peer_address);

    if (seen == NGX_SRT_REPLAY_USED
        || (seen == NGX_SRT_REPLAY_AGAIN && !policy->reuse_same_address))
    {
        return ngx_srt_admission_verdict(id, NGX_SRT_FORBIDDEN,
                                         "signed stream id was used");
    }

    verdict = ngx_srt_admission_verdict(id, 0, "admitted");
    verdict.is_first = seen == NGX_SRT_REPLAY_FRESH;

    return verdict;
}


static ngx_srt_verdict_t
ngx_srt_admission_verdict(const ngx_srt_streamid_t *id, int code,
    const char *reason)
{
    ngx_srt_verdict_t  verdict;

    verdict.code = code;
    verdict.reason = reason;
    verdict.is_signed = id->is_signed;
    verdict.is_first = 0;

    return verdict;
}

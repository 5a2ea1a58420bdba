/*
 * From the stream id to the decision.  The first byte chooses the policy, the
 * second the clock; the rest is the stream id.  One bit of the
 * first byte signs it as the origin would, so that fuzzing comes past the
 * signature, which it could never guess.
 */

#include <limits.h>
#include <string.h>

#include "invariants.h"
#include "ngx_srt_admission.h"


#define NOW           1800000000
#define SKEW          60
#define LIFETIME      86400

#define LISTED        0x01
#define RESIGNED      0x02
#define ENCRYPTED     0x04
#define SAME_ADDRESS  0x08
#define NO_MASTER     0x10
#define FULL          0x20
#define LONG_ADDRESS  0x40


static const char  list_text[] =
    "headend-srt 1\n"
    "stream demo any free\n"
    "stream enc encrypted free\n"
    "stream sig signed free\n"
    "stream busy any taken\n"
    "key demo ab12cd34 0\n"
    "key demo over 1700000000\n"
    "key enc ab12cd34 0\n"
    "key sig ab12cd34 1900000000\n"
    "key busy ab12cd34 0\n";

static const unsigned char  master[] = "0123456789abcdef0123456789abcdef";

static ngx_srt_admit_t   *list;
static ngx_srt_replay_t   replay;


/* the same for every input, whatever came before */

static void
start(unsigned flags)
{
    size_t       i;
    const char  *error;

    if (list == NULL) {
        list = ngx_srt_admit_parse(list_text, sizeof(list_text) - 1, &error,
                                   &i);
        must(list != NULL);
        ngx_srt_replay_init(&replay);
    }

    replay.used = 0;

    if (flags & FULL) {
        replay.used = NGX_SRT_REPLAY_ENTRIES;

        for (i = 0; i < NGX_SRT_REPLAY_ENTRIES; i++) {
            replay.hash[i] = 0;
            replay.expires_at[i] = NOW + NGX_SRT_REPLAY_ENTRIES - (int64_t) i;
        }
    }
}


/* the right signature in the place of the given one */

static void
sign_again(char *text, const ngx_srt_streamid_t *id)
{
    char  signature[NGX_SRT_SIGNATURE_LEN + 1];

    must(ngx_srt_token_signature(master, sizeof(master) - 1, id, signature)
         == 0);
    memcpy(text + (id->signature.data - text), signature,
           NGX_SRT_SIGNATURE_LEN);
}


static void
check_token(const ngx_srt_streamid_t *id)
{
    char                passphrase[NGX_SRT_PASSPHRASE_LEN + 1];
    char                signature[NGX_SRT_SIGNATURE_LEN + 1];
    ngx_srt_streamid_t  faulty;

    must(ngx_srt_token_passphrase(master, sizeof(master) - 1, id, passphrase)
         == 0);
    must(strlen(passphrase) == NGX_SRT_PASSPHRASE_LEN);

    /* what is not signed has no fields to sign */

    must(ngx_srt_token_signature(master, sizeof(master) - 1, id, signature)
         == (id->is_signed ? 0 : -1));
    must(strlen(signature) == (id->is_signed ? NGX_SRT_SIGNATURE_LEN : 0));

    must(ngx_srt_token_verify(NULL, 0, id) == NGX_SRT_UNAUTHORIZED);
    must(ngx_srt_token_verify(master, (size_t) INT_MAX + 1, id)
         == NGX_SRT_UNAUTHORIZED);

    /* nothing that the parser lets through: what if it did */

    faulty = *id;
    faulty.slug.data = list_text;
    faulty.slug.len = sizeof(list_text);
    must(ngx_srt_token_passphrase(master, sizeof(master) - 1, &faulty,
                                  passphrase)
         == -1);
    must(passphrase[0] == '\0');
    must(ngx_srt_token_verify(master, sizeof(master) - 1, &faulty)
         == NGX_SRT_UNAUTHORIZED);
}


/* and when it was used for nothing, it is as if it never was */

static void
check_forgotten(const ngx_srt_streamid_t *id)
{
    size_t  used;

    used = replay.used;

    ngx_srt_replay_forget(&replay, id);
    must(replay.used == used - 1);
    must(ngx_srt_replay_look(&replay, id, "192.0.2.1")
         == NGX_SRT_REPLAY_FRESH);

    ngx_srt_replay_forget(&replay, id);
    must(replay.used == used - 1);
}


/* once used it is used, wherever it comes from and how long it may live */

static void
check_replay(const ngx_srt_streamid_t *id, const unsigned char *secret,
    size_t secret_len, const ngx_srt_policy_t *policy, const char *address)
{
    size_t              used;
    ngx_srt_verdict_t   verdict;
    ngx_srt_streamid_t  later;

    used = replay.used;

    verdict = ngx_srt_admission_decide(list, id, secret, secret_len, policy,
                                       &replay, address);
    must(verdict.code == (policy->reuse_same_address ? 0 : NGX_SRT_FORBIDDEN));

    verdict = ngx_srt_admission_decide(list, id, secret, secret_len, policy,
                                       &replay, "2001:db8::1");
    must(verdict.code == NGX_SRT_FORBIDDEN);

    later = *id;
    later.expires_at++;
    must(ngx_srt_replay_use(&replay, &later, address, 0) == 0);
    must(ngx_srt_replay_look(&replay, &later, address)
         == NGX_SRT_REPLAY_AGAIN);

    must(replay.used == used);
}


static void
check_verdict(const ngx_srt_verdict_t *verdict, const ngx_srt_streamid_t *id,
    unsigned flags)
{
    must(verdict->reason != NULL && verdict->is_signed == id->is_signed);
    must((verdict->code == NGX_SRT_DOWN) == !(flags & LISTED));

    if (verdict->code != 0 || !id->is_signed) {
        return;
    }

    must(!(flags & (ENCRYPTED|NO_MASTER)));
    must(ngx_srt_token_verify(master, sizeof(master) - 1, id) == 0);
    must(id->expires_at <= NOW + 255 * 512 + LIFETIME + SKEW);
}


int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char               *text;
    size_t              used, master_len;
    unsigned            flags;
    ngx_srt_policy_t    policy;
    const char         *address;
    ngx_srt_verdict_t   verdict;
    ngx_srt_streamid_t  id;

    if (size < 3) {
        return 0;
    }

    flags = data[0];
    start(flags);

    policy.now = NOW + data[1] * 512;
    policy.skew = SKEW;
    policy.max_lifetime = LIFETIME;
    policy.enforced_encryption = (flags & ENCRYPTED) != 0;
    policy.reuse_same_address = (flags & SAME_ADDRESS) != 0;

    address = (flags & LONG_ADDRESS) ? list_text : "192.0.2.1";
    master_len = (flags & NO_MASTER) ? 0 : sizeof(master) - 1;

    text = malloc(size - 2);
    must(text != NULL);
    memcpy(text, data + 2, size - 2);

    if (ngx_srt_streamid_parse(text, size - 2, &id) != 0) {
        free(text);
        return 0;
    }

    if (id.is_signed && (flags & RESIGNED)) {
        sign_again(text, &id);
    }

    check_token(&id);

    used = replay.used;

    verdict = ngx_srt_admission_decide((flags & LISTED) ? list : NULL, &id,
                                       master, master_len, &policy, &replay,
                                       address);
    check_verdict(&verdict, &id, flags);

    /* a nonce is used up by nothing but a yes */

    must(replay.used == used);
    must(verdict.is_first == (verdict.code == 0 && id.is_signed));

    verdict = ngx_srt_admission_use(verdict, &id, &policy, &replay, address);
    check_verdict(&verdict, &id, flags);

    must(replay.used == used || (verdict.code == 0 && id.is_signed));

    if (verdict.code == 0 && id.is_signed) {
        check_replay(&id, master, master_len, &policy, address);
        check_forgotten(&id);
    }

    free(text);

    return 0;
}

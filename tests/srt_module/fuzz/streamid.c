/*
 * The parser of stream ids: whatever it accepts lies within the input and is
 * what the grammar says.
 */

#include <string.h>

#include "invariants.h"
#include "ngx_srt_streamid.h"


#define ALNUM                                                                 \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


static void
check_slice(const ngx_srt_slice_t *slice, const char *text, size_t len,
    const char *alphabet, size_t min, size_t max)
{
    size_t  i;

    must(slice->len >= min && slice->len <= max);
    must(slice->data >= text && slice->data + slice->len <= text + len);

    for (i = 0; i < slice->len; i++) {
        must(slice->data[i] != '\0' && strchr(alphabet, slice->data[i]));
    }
}


static void
check_ticket(const ngx_srt_streamid_t *id, const char *text, size_t len)
{
    char       digits[NGX_SRT_EXPIRY_MAX + 1];
    long long  seconds;

    check_slice(&id->expiry, text, len, "0123456789", 1, NGX_SRT_EXPIRY_MAX);
    check_slice(&id->nonce, text, len, ALNUM "-_", NGX_SRT_NONCE_MIN,
                NGX_SRT_NONCE_MAX);
    check_slice(&id->signature, text, len, ALNUM "-_", NGX_SRT_SIGNATURE_LEN,
                NGX_SRT_SIGNATURE_LEN);

    memcpy(digits, id->expiry.data, id->expiry.len);
    digits[id->expiry.len] = '\0';
    seconds = strtoll(digits, NULL, 10);

    must(digits[0] != '0' && seconds > 0 && seconds == id->expires_at);
}


static void
check_empty(const ngx_srt_streamid_t *id)
{
    static const ngx_srt_streamid_t  empty;

    must(memcmp(id, &empty, sizeof(empty)) == 0);
}


int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    int                 code, again;
    const char         *text;
    ngx_srt_streamid_t  id, other;

    text = (const char *) data;

    memset(&id, 0xa5, sizeof(id));
    code = ngx_srt_streamid_parse(text, size, &id);

    must(code == 0 || code == NGX_SRT_BAD_REQUEST || code == NGX_SRT_BAD_MODE
         || code == NGX_SRT_NOTSUP_MEDIA);

    if (code == NGX_SRT_BAD_REQUEST) {
        check_empty(&id);
        return 0;
    }

    must(size > 0 && size <= NGX_SRT_STREAMID_MAX);

    check_slice(&id.slug, text, size, "abcdefghijklmnopqrstuvwxyz0123456789-",
                1, NGX_SRT_SLUG_MAX);
    must(id.slug.data[0] != '-');
    check_slice(&id.key_id, text, size, ALNUM, 1, NGX_SRT_KEY_ID_MAX);

    if (id.is_signed) {
        check_ticket(&id, text, size);

    } else {
        must(id.expiry.len == 0 && id.nonce.len == 0 && id.signature.len == 0
             && id.expires_at == 0);
    }

    again = ngx_srt_streamid_parse(text, size, &other);
    must(again == code && other.slug.data == id.slug.data
         && other.expires_at == id.expires_at);

    return 0;
}

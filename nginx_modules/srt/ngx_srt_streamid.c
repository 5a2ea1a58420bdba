/*
 * Reads a stream id.  What a stranger sent is looked at byte by byte, once,
 * without allocation; whatever is not exactly right is refused.
 */

#include <string.h>

#include "ngx_srt_streamid.h"


#define NGX_SRT_LOWER              0x01
#define NGX_SRT_UPPER              0x02
#define NGX_SRT_DIGIT              0x04
#define NGX_SRT_HYPHEN             0x08
#define NGX_SRT_UNDERSCORE         0x10
#define NGX_SRT_DOT                0x20

#define NGX_SRT_ALNUM              (NGX_SRT_LOWER|NGX_SRT_UPPER|NGX_SRT_DIGIT)
#define NGX_SRT_BASE64URL          (NGX_SRT_ALNUM|NGX_SRT_HYPHEN              \
                                    |NGX_SRT_UNDERSCORE)

#define NGX_SRT_PAIR_KEY_MAX       32

#define NGX_SRT_AC_PREFIX          "#!::"
#define NGX_SRT_APPLICATION        "live/"


typedef struct {
    ngx_srt_slice_t    resource;
    ngx_srt_slice_t    mode;
    ngx_srt_slice_t    user;
    ngx_srt_slice_t    type;
    ngx_srt_slice_t    expiry;
    ngx_srt_slice_t    nonce;
    ngx_srt_slice_t    signature;
} ngx_srt_fields_t;


typedef struct {
    const char        *name;
    size_t             offset;         /* in ngx_srt_fields_t */
} ngx_srt_known_key_t;


static int ngx_srt_printable(const char *data, size_t len);
static int ngx_srt_read_pairs(const char *data, size_t len, char separator,
    ngx_srt_fields_t *fields);
static int ngx_srt_store(ngx_srt_fields_t *fields, const ngx_srt_slice_t *key,
    const ngx_srt_slice_t *value);
static int ngx_srt_seen(const char *data, const char *end, char separator,
    const ngx_srt_slice_t *key);
static int ngx_srt_fill(ngx_srt_streamid_t *id, ngx_srt_fields_t *fields);
static int ngx_srt_fill_ticket(ngx_srt_streamid_t *id,
    const ngx_srt_fields_t *fields);
static int ngx_srt_word(const ngx_srt_slice_t *word, size_t min, size_t max,
    unsigned classes);
static unsigned ngx_srt_class(char c);
static int ngx_srt_equals(const ngx_srt_slice_t *slice, const char *text);


static const ngx_srt_known_key_t  ngx_srt_known_keys[] = {
    { "r", offsetof(ngx_srt_fields_t, resource) },
    { "m", offsetof(ngx_srt_fields_t, mode) },
    { "u", offsetof(ngx_srt_fields_t, user) },
    { "t", offsetof(ngx_srt_fields_t, type) },
    { "exp", offsetof(ngx_srt_fields_t, expiry) },
    { "nonce", offsetof(ngx_srt_fields_t, nonce) },
    { "sig", offsetof(ngx_srt_fields_t, signature) },
    { NULL, 0 }
};


int
ngx_srt_streamid_parse(const char *data, size_t len, ngx_srt_streamid_t *id)
{
    char               separator;
    size_t             skip;
    const char        *mark, *mode;
    ngx_srt_fields_t   fields;

    memset(id, 0, sizeof(ngx_srt_streamid_t));
    memset(&fields, 0, sizeof(ngx_srt_fields_t));

    if (len == 0 || len > NGX_SRT_STREAMID_MAX
        || !ngx_srt_printable(data, len))
    {
        return NGX_SRT_BAD_REQUEST;
    }

    skip = sizeof(NGX_SRT_AC_PREFIX) - 1;

    if (len >= skip && memcmp(data, NGX_SRT_AC_PREFIX, skip) == 0) {
        separator = ',';
        mode = "request";

    } else {
        mark = memchr(data, '?', len);
        if (mark == NULL) {
            /* who it is would be missing */
            return NGX_SRT_BAD_REQUEST;
        }

        fields.resource.data = data;
        fields.resource.len = (size_t) (mark - data);

        skip = fields.resource.len + 1;
        separator = memchr(mark, '&', len - fields.resource.len) ? '&' : ',';
        mode = "publish";
    }

    if (ngx_srt_read_pairs(data + skip, len - skip, separator, &fields) != 0) {
        return NGX_SRT_BAD_REQUEST;
    }

    if (fields.mode.data == NULL) {
        fields.mode.data = mode;
        fields.mode.len = strlen(mode);

    } else if (!ngx_srt_equals(&fields.mode, "publish")
               && !ngx_srt_equals(&fields.mode, "request")
               && !ngx_srt_equals(&fields.mode, "bidirectional"))
    {
        return NGX_SRT_BAD_REQUEST;
    }

    if (ngx_srt_fill(id, &fields) != 0) {
        memset(id, 0, sizeof(ngx_srt_streamid_t));
        return NGX_SRT_BAD_REQUEST;
    }

    if (fields.type.data != NULL && !ngx_srt_equals(&fields.type, "stream")) {
        return NGX_SRT_NOTSUP_MEDIA;
    }

    if (!ngx_srt_equals(&fields.mode, "publish")) {
        return NGX_SRT_BAD_MODE;
    }

    return 0;
}


static int
ngx_srt_printable(const char *data, size_t len)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < len; i++) {
        c = (unsigned char) data[i];

        /* '%': nobody decodes, so nothing can be spelled in two ways */

        if (c < 0x21 || c > 0x7e || c == '%') {
            return 0;
        }
    }

    return 1;
}


static int
ngx_srt_read_pairs(const char *data, size_t len, char separator,
    ngx_srt_fields_t *fields)
{
    const char       *pair, *end, *next, *equals;
    ngx_srt_slice_t   key, value;

    pair = data;
    end = data + len;

    for ( ;; ) {
        next = memchr(pair, separator, (size_t) (end - pair));
        if (next == NULL) {
            next = end;
        }

        equals = memchr(pair, '=', (size_t) (next - pair));
        if (equals == NULL) {
            return -1;
        }

        key.data = pair;
        key.len = (size_t) (equals - pair);
        value.data = equals + 1;
        value.len = (size_t) (next - value.data);

        if (!ngx_srt_word(&key, 1, NGX_SRT_PAIR_KEY_MAX,
                          NGX_SRT_BASE64URL|NGX_SRT_DOT)
            || ngx_srt_seen(data, pair, separator, &key)
            || ngx_srt_store(fields, &key, &value) != 0)
        {
            return -1;
        }

        if (next == end) {
            return 0;
        }

        pair = next + 1;
    }
}


static int
ngx_srt_store(ngx_srt_fields_t *fields, const ngx_srt_slice_t *key,
    const ngx_srt_slice_t *value)
{
    ngx_srt_slice_t            *field;
    const ngx_srt_known_key_t  *known;

    for (known = ngx_srt_known_keys; known->name != NULL; known++) {
        if (!ngx_srt_equals(key, known->name)) {
            continue;
        }

        field = (ngx_srt_slice_t *) (void *) ((char *) fields + known->offset);

        /* the plain form has its resource before the pairs: r is a second */

        if (field->data != NULL || value->len == 0) {
            return -1;
        }

        *field = *value;
        return 0;
    }

    /* encoders add keys of their own */

    return 0;
}


/*
 * Whether a key is among the pairs of [data, end), which are known to be well
 * formed.  Looking back costs less than remembering: a stream id has 170 pairs
 * at most.
 */

static int
ngx_srt_seen(const char *data, const char *end, char separator,
    const ngx_srt_slice_t *key)
{
    while (data < end) {
        if ((size_t) (end - data) > key->len && data[key->len] == '='
            && memcmp(data, key->data, key->len) == 0)
        {
            return 1;
        }

        data = memchr(data, separator, (size_t) (end - data));
        data++;
    }

    return 0;
}


static int
ngx_srt_fill(ngx_srt_streamid_t *id, ngx_srt_fields_t *fields)
{
    size_t            len;
    ngx_srt_slice_t  *resource;

    resource = &fields->resource;
    len = sizeof(NGX_SRT_APPLICATION) - 1;

    if (resource->len > len
        && memcmp(resource->data, NGX_SRT_APPLICATION, len) == 0)
    {
        resource->data += len;
        resource->len -= len;
    }

    if (!ngx_srt_slug_valid(resource) || !ngx_srt_key_id_valid(&fields->user)) {
        return -1;
    }

    id->slug = *resource;
    id->key_id = fields->user;

    if (fields->expiry.data == NULL && fields->nonce.data == NULL
        && fields->signature.data == NULL)
    {
        return 0;
    }

    return ngx_srt_fill_ticket(id, fields);
}


static int
ngx_srt_fill_ticket(ngx_srt_streamid_t *id, const ngx_srt_fields_t *fields)
{
    id->expires_at = ngx_srt_seconds(&fields->expiry, NGX_SRT_EXPIRY_MAX);

    if (id->expires_at == -1
        || !ngx_srt_word(&fields->nonce, NGX_SRT_NONCE_MIN, NGX_SRT_NONCE_MAX,
                         NGX_SRT_BASE64URL)
        || !ngx_srt_word(&fields->signature, NGX_SRT_SIGNATURE_LEN,
                         NGX_SRT_SIGNATURE_LEN, NGX_SRT_BASE64URL))
    {
        return -1;
    }

    id->expiry = fields->expiry;
    id->nonce = fields->nonce;
    id->signature = fields->signature;
    id->is_signed = 1;

    return 0;
}


int
ngx_srt_slug_valid(const ngx_srt_slice_t *slug)
{
    return ngx_srt_word(slug, 1, NGX_SRT_SLUG_MAX,
                        NGX_SRT_LOWER|NGX_SRT_DIGIT|NGX_SRT_HYPHEN)
           && slug->data[0] != '-';
}


int
ngx_srt_key_id_valid(const ngx_srt_slice_t *key_id)
{
    return ngx_srt_word(key_id, 1, NGX_SRT_KEY_ID_MAX, NGX_SRT_ALNUM);
}


int64_t
ngx_srt_seconds(const ngx_srt_slice_t *text, size_t max_digits)
{
    size_t   i;
    int64_t  seconds;

    if (!ngx_srt_word(text, 1, max_digits, NGX_SRT_DIGIT)
        || text->data[0] == '0')
    {
        return -1;
    }

    seconds = 0;

    for (i = 0; i < text->len; i++) {
        seconds = seconds * 10 + (text->data[i] - '0');
    }

    return seconds;
}


static int
ngx_srt_word(const ngx_srt_slice_t *word, size_t min, size_t max,
    unsigned classes)
{
    size_t  i;

    if (word->len < min || word->len > max) {
        return 0;
    }

    for (i = 0; i < word->len; i++) {
        if ((ngx_srt_class(word->data[i]) & classes) == 0) {
            return 0;
        }
    }

    return 1;
}


static unsigned
ngx_srt_class(char c)
{
    if (c >= 'a' && c <= 'z') {
        return NGX_SRT_LOWER;
    }

    if (c >= 'A' && c <= 'Z') {
        return NGX_SRT_UPPER;
    }

    if (c >= '0' && c <= '9') {
        return NGX_SRT_DIGIT;
    }

    switch (c) {

    case '-':
        return NGX_SRT_HYPHEN;

    case '_':
        return NGX_SRT_UNDERSCORE;

    case '.':
        return NGX_SRT_DOT;

    default:
        return 0;
    }
}


static int
ngx_srt_equals(const ngx_srt_slice_t *slice, const char *text)
{
    return slice->len == strlen(text)
           && memcmp(slice->data, text, slice->len) == 0;
}

/*
 * Derives passphrases and signatures from the master secret.  The one of the
 * plain files that needs a library, OpenSSL's libcrypto.
 */

#include <limits.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "ngx_srt_token.h"


#define NGX_SRT_PASSPHRASE_LABEL   "headend-srt-passphrase-1"
#define NGX_SRT_SIGNED_LABEL       "headend-srt-signed-1"

#define NGX_SRT_DIGEST_LEN         32

/* longer than a label and all fields, each as long as it may be */

#define NGX_SRT_MESSAGE_MAX        192


typedef struct {
    size_t             len;
    unsigned           faulty:1;       /* a field was empty or too long */
    char               data[NGX_SRT_MESSAGE_MAX];
} ngx_srt_message_t;


static void ngx_srt_message_start(ngx_srt_message_t *message,
    const char *label);
static void ngx_srt_message_add(ngx_srt_message_t *message, const char *data,
    size_t len);
static int ngx_srt_digest(const unsigned char *master, size_t master_len,
    const ngx_srt_message_t *message, char text[NGX_SRT_SIGNATURE_LEN + 1]);
static void ngx_srt_base64url(const unsigned char digest[NGX_SRT_DIGEST_LEN],
    char text[NGX_SRT_SIGNATURE_LEN + 1]);


int
ngx_srt_token_passphrase(const unsigned char *master, size_t master_len,
    const ngx_srt_streamid_t *id, char passphrase[NGX_SRT_PASSPHRASE_LEN + 1])
{
    char               text[NGX_SRT_SIGNATURE_LEN + 1];
    ngx_srt_message_t  message;

    passphrase[0] = '\0';

    ngx_srt_message_start(&message, NGX_SRT_PASSPHRASE_LABEL);
    ngx_srt_message_add(&message, id->slug.data, id->slug.len);
    ngx_srt_message_add(&message, id->key_id.data, id->key_id.len);

    if (ngx_srt_digest(master, master_len, &message, text) != 0) {
        return -1;
    }

    memcpy(passphrase, text, NGX_SRT_PASSPHRASE_LEN);
    passphrase[NGX_SRT_PASSPHRASE_LEN] = '\0';

    OPENSSL_cleanse(text, sizeof(text));

    return 0;
}


int
ngx_srt_token_signature(const unsigned char *master, size_t master_len,
    const ngx_srt_streamid_t *id, char signature[NGX_SRT_SIGNATURE_LEN + 1])
{
    ngx_srt_message_t  message;

    signature[0] = '\0';

    /* the fields of one that is not signed are empty, which is a fault */

    ngx_srt_message_start(&message, NGX_SRT_SIGNED_LABEL);
    ngx_srt_message_add(&message, id->slug.data, id->slug.len);
    ngx_srt_message_add(&message, "publish", sizeof("publish") - 1);
    ngx_srt_message_add(&message, id->key_id.data, id->key_id.len);
    ngx_srt_message_add(&message, id->expiry.data, id->expiry.len);
    ngx_srt_message_add(&message, id->nonce.data, id->nonce.len);

    return ngx_srt_digest(master, master_len, &message, signature);
}


int
ngx_srt_token_verify(const unsigned char *master, size_t master_len,
    const ngx_srt_streamid_t *id)
{
    int   rc;
    char  signature[NGX_SRT_SIGNATURE_LEN + 1];

    if (id->signature.len != NGX_SRT_SIGNATURE_LEN
        || ngx_srt_token_signature(master, master_len, id, signature) != 0)
    {
        return NGX_SRT_UNAUTHORIZED;
    }

    /*
     * The text is compared, not what it decodes to: the last character has two
     * spare bits, and one ticket must not have four spellings.
     */

    rc = CRYPTO_memcmp(signature, id->signature.data, NGX_SRT_SIGNATURE_LEN);

    OPENSSL_cleanse(signature, sizeof(signature));

    return rc == 0 ? 0 : NGX_SRT_UNAUTHORIZED;
}


static void
ngx_srt_message_start(ngx_srt_message_t *message, const char *label)
{
    message->faulty = 0;
    message->len = strlen(label);
    memcpy(message->data, label, message->len);
}


static void
ngx_srt_message_add(ngx_srt_message_t *message, const char *data, size_t len)
{
    if (len == 0 || len >= sizeof(message->data) - message->len) {
        message->faulty = 1;
        return;
    }

    message->data[message->len++] = '\n';
    memcpy(message->data + message->len, data, len);
    message->len += len;
}


static int
ngx_srt_digest(const unsigned char *master, size_t master_len,
    const ngx_srt_message_t *message, char text[NGX_SRT_SIGNATURE_LEN + 1])
{
    unsigned       len;
    unsigned char  digest[EVP_MAX_MD_SIZE];

    if (message->faulty || master_len == 0 || master_len > INT_MAX) {
        return -1;
    }

    if (HMAC(EVP_sha256(), master, (int) master_len,
             (const unsigned char *) message->data, message->len, digest, &len)
        == NULL
        || len != NGX_SRT_DIGEST_LEN)
    {
        return -1;
    }

    ngx_srt_base64url(digest, text);

    OPENSSL_cleanse(digest, sizeof(digest));

    return 0;
}


/* 32 bytes are ten groups of three and two more: 43 characters, no padding */

static void
ngx_srt_base64url(const unsigned char digest[NGX_SRT_DIGEST_LEN],
    char text[NGX_SRT_SIGNATURE_LEN + 1])
{
    size_t         i, bits;
    unsigned long  value;

    static const char  alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    value = 0;
    bits = 0;

    for (i = 0; i < NGX_SRT_DIGEST_LEN; i++) {
        value = (value << 8 | digest[i]) & 0xffff;
        bits += 8;

        while (bits >= 6) {
            bits -= 6;
            *text++ = alphabet[value >> bits & 0x3f];
        }
    }

    *text++ = alphabet[value << (6 - bits) & 0x3f];
    *text = '\0';
}

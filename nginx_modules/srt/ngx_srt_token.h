/*
 * What follows from the master secret: a publisher's passphrase, and the
 * signature of a stream id.  HMAC-SHA256, with a label of its own for each use.
 */

#ifndef _NGX_SRT_TOKEN_H_INCLUDED_
#define _NGX_SRT_TOKEN_H_INCLUDED_


#include "ngx_srt_streamid.h"


#define NGX_SRT_PASSPHRASE_LEN     32


/*
 * The passphrase of this slug and key id, terminated.  Returns 0, or -1 if
 * there is no secret or the library failed; then passphrase is empty.
 */

int ngx_srt_token_passphrase(const unsigned char *master, size_t master_len,
    const ngx_srt_streamid_t *id, char passphrase[NGX_SRT_PASSPHRASE_LEN + 1]);


/*
 * The signature that a signed stream id should have, terminated.  Returns 0,
 * or -1 as above or if the stream id is not signed.
 */

int ngx_srt_token_signature(const unsigned char *master, size_t master_len,
    const ngx_srt_streamid_t *id, char signature[NGX_SRT_SIGNATURE_LEN + 1]);


/*
 * Compares the signature of a stream id with the one it should have, in a time
 * that does not depend on where they differ.  Returns 0 or
 * NGX_SRT_UNAUTHORIZED.
 */

int ngx_srt_token_verify(const unsigned char *master, size_t master_len,
    const ngx_srt_streamid_t *id);


#endif /* _NGX_SRT_TOKEN_H_INCLUDED_ */

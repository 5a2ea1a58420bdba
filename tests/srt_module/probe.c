/*
 * Asks the plain C files, for the tests in Python: one question a line, one
 * answer a line.  Words are parted by a tab; bytes are in hexadecimal.  Each
 * input is a block of memory of exactly its size, so that a sanitizer sees a
 * byte that is read beyond it.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ngx_srt_admission.h"


#define WORDS  8


typedef struct {
    char    *data;
    size_t   len;
} bytes_t;


static ngx_srt_admit_t   *list;
static ngx_srt_replay_t   replay;


static int
nibble(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}


static bytes_t
bytes(const char *hex)
{
    size_t   i;
    bytes_t  b;

    b.len = strlen(hex) / 2;
    b.data = malloc(b.len);

    if (b.data == NULL && b.len > 0) {
        abort();
    }

    for (i = 0; i < b.len; i++) {
        b.data[i] = (char) (nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    }

    return b;
}


static void
print_slice(const ngx_srt_slice_t *slice)
{
    printf("\t%.*s", (int) slice->len, slice->len > 0 ? slice->data : "");
}


/* id HEX: the code, and what the stream id says */

static void
ask_id(char **word)
{
    int                 code;
    bytes_t             text;
    ngx_srt_streamid_t  id;

    text = bytes(word[1]);
    code = ngx_srt_streamid_parse(text.data, text.len, &id);

    printf("%d", code);
    print_slice(&id.slug);
    print_slice(&id.key_id);
    print_slice(&id.expiry);
    print_slice(&id.nonce);
    print_slice(&id.signature);
    printf("\t%" PRId64 "\t%u", id.expires_at, (unsigned) id.is_signed);

    free(text.data);
}


/* derive MASTER HEX: passphrase, signature, verdict on the given signature */

static void
ask_derive(char **word)
{
    int                 rc[2], verdict;
    char                passphrase[NGX_SRT_PASSPHRASE_LEN + 1];
    char                signature[NGX_SRT_SIGNATURE_LEN + 1];
    bytes_t             master, text;
    ngx_srt_streamid_t  id;

    master = bytes(word[1]);
    text = bytes(word[2]);

    (void) ngx_srt_streamid_parse(text.data, text.len, &id);

    rc[0] = ngx_srt_token_passphrase((unsigned char *) master.data, master.len,
                                     &id, passphrase);
    rc[1] = ngx_srt_token_signature((unsigned char *) master.data, master.len,
                                    &id, signature);
    verdict = ngx_srt_token_verify((unsigned char *) master.data, master.len,
                                   &id);

    printf("%d\t%s\t%d\t%s\t%d", rc[0], passphrase, rc[1], signature, verdict);

    free(master.data);
    free(text.data);
}


/* list HEX: numbers of streams and keys, or line and fault; none: no list */

static void
ask_list(char **word)
{
    size_t       line;
    bytes_t      text;
    const char  *error;

    ngx_srt_admit_free(list);
    list = NULL;

    if (strcmp(word[1], "none") == 0) {
        printf("none");
        return;
    }

    text = bytes(word[1]);
    list = ngx_srt_admit_parse(text.data, text.len, &error, &line);

    if (list == NULL) {
        printf("fault\t%zu\t%s", line, error);

    } else {
        printf("list\t%zu\t%zu", ngx_srt_admit_streams(list),
               ngx_srt_admit_keys(list));
    }

    free(text.data);
}


/* has SLUG KEYID */

static void
ask_has(char **word)
{
    printf("%d", ngx_srt_admit_has_key(list, word[1], word[2]));
}


/*
 * decide MASTER HEX ADDRESS NOW SKEW LIFETIME FLAGS: e encryption, a address,
 * l leaves the nonce as it is
 */

static void
ask_decide(char **word)
{
    int                 code;
    bytes_t             master, text;
    ngx_srt_policy_t    policy;
    ngx_srt_verdict_t   verdict;
    ngx_srt_streamid_t  id;

    master = bytes(word[1]);
    text = bytes(word[2]);

    policy.now = (time_t) strtoll(word[4], NULL, 10);
    policy.skew = atoi(word[5]);
    policy.max_lifetime = strtoll(word[6], NULL, 10);
    policy.enforced_encryption = strchr(word[7], 'e') != NULL;
    policy.reuse_same_address = strchr(word[7], 'a') != NULL;

    code = ngx_srt_streamid_parse(text.data, text.len, &id);

    if (code != 0) {
        printf("%d\tstream id", code);

    } else {
        verdict = ngx_srt_admission_decide(list, &id,
                                           (unsigned char *) master.data,
                                           master.len, &policy, &replay,
                                           word[3]);

        if (strchr(word[7], 'l') == NULL) {
            verdict = ngx_srt_admission_use(verdict, &id, &policy, &replay,
                                            word[3]);
        }

        printf("%d\t%s\t%u", verdict.code, verdict.reason,
               (unsigned) verdict.is_first);
    }

    free(master.data);
    free(text.data);
}


/* forget: nothing was used */

static void
ask_forget(char **word)
{
    (void) word;

    ngx_srt_replay_init(&replay);
    printf("%zu", sizeof(replay));
}


/* forgive HEX: this nonce was used for nothing; the entries that are left */

static void
ask_forgive(char **word)
{
    bytes_t             text;
    ngx_srt_streamid_t  id;

    text = bytes(word[1]);

    if (ngx_srt_streamid_parse(text.data, text.len, &id) == 0) {
        ngx_srt_replay_forget(&replay, &id);
    }

    printf("%zu", replay.used);

    free(text.data);
}


static const struct {
    const char  *name;
    size_t       words;
    void       (*ask)(char **word);
} questions[] = {
    { "id", 2, ask_id },
    { "derive", 3, ask_derive },
    { "list", 2, ask_list },
    { "has", 3, ask_has },
    { "decide", 8, ask_decide },
    { "forget", 1, ask_forget },
    { "forgive", 2, ask_forgive },
};


int
main(void)
{
    char    *line, *p, *word[WORDS];
    size_t   i, n, size;
    ssize_t  len;

    line = NULL;
    size = 0;

    while ((len = getline(&line, &size, stdin)) > 0) {
        line[len - 1] = '\0';
        p = line;

        for (n = 0; n < WORDS && p != NULL; n++) {
            word[n] = p;
            p = strchr(p, '\t');
            if (p != NULL) {
                *p++ = '\0';
            }
        }

        for (i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
            if (strcmp(word[0], questions[i].name) == 0
                && n == questions[i].words)
            {
                questions[i].ask(word);
                break;
            }
        }

        printf("\n");
        fflush(stdout);
    }

    ngx_srt_admit_free(list);
    free(line);

    return 0;
}

/*
 * The parser of the admit list: a list that it takes has what its lines say,
 * and one that it refuses names a line of the file.
 */

#include <string.h>

#include "invariants.h"
#include "ngx_srt_admit.h"


/* every line of a list that was taken is found in it */

static void
check_line(const ngx_srt_admit_t *list, const char *line, size_t len)
{
    char                           copy[256], *slug, *word, *rest;
    ngx_srt_slice_t                name, id;
    const ngx_srt_admit_key_t     *key;
    const ngx_srt_admit_stream_t  *stream;

    must(len < sizeof(copy));
    memcpy(copy, line, len);
    copy[len] = '\0';
    must(strlen(copy) == len);

    slug = strchr(copy, ' ');
    must(slug != NULL);
    *slug++ = '\0';

    word = strchr(slug, ' ');
    must(word != NULL);
    *word++ = '\0';

    rest = strchr(word, ' ');
    must(rest != NULL);
    *rest++ = '\0';

    name.data = slug;
    name.len = strlen(slug);
    stream = ngx_srt_admit_stream(list, &name);
    must(stream != NULL && strcmp(stream->slug, slug) == 0);

    if (strcmp(copy, "stream") == 0) {
        must(stream->taken == (strcmp(rest, "taken") == 0));
        must(stream->ways == (strcmp(word, "any") == 0 ? NGX_SRT_ADMIT_ANY
                              : strcmp(word, "signed") == 0
                                ? NGX_SRT_ADMIT_SIGNED
                                : NGX_SRT_ADMIT_ENCRYPTED));
        return;
    }

    id.data = word;
    id.len = strlen(word);
    key = ngx_srt_admit_key(list, &name, &id);
    must(key != NULL && key->not_after == strtoll(rest, NULL, 10));
    must(ngx_srt_admit_has_key(list, slug, word));
    must(!ngx_srt_admit_has_key(list, "", word));
    must(!ngx_srt_admit_has_key(list, slug, ""));
    id.len = 0;
    must(ngx_srt_admit_stream(list, &id) == NULL);
}


static void
check_sizes(void)
{
    size_t       line;
    const char  *error;

    must(ngx_srt_admit_parse("", 0, &error, &line) == NULL && line == 1);

    /* nothing is read of what is too long, nor is there anything here */

    must(ngx_srt_admit_parse("", NGX_SRT_ADMIT_MAX_SIZE + 1, &error, &line)
         == NULL && line == 1);

    ngx_srt_admit_free(NULL);
}


int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    size_t            line, lines;
    const char       *error, *text, *end, *newline;
    ngx_srt_admit_t  *list;

    text = (const char *) data;
    end = text + size;
    error = NULL;
    line = 0;

    check_sizes();

    if (size == 0) {
        return 0;
    }

    list = ngx_srt_admit_parse(text, size, &error, &line);

    lines = 1;
    for (newline = text;
         (newline = memchr(newline, '\n', (size_t) (end - newline))) != NULL;
         newline++)
    {
        lines++;
    }

    if (list == NULL) {
        must(error != NULL && line >= 1 && line <= lines);
        return 0;
    }

    must(error == NULL && end[-1] == '\n');
    must(ngx_srt_admit_streams(list) + ngx_srt_admit_keys(list) == lines - 2);

    text = (const char *) memchr(text, '\n', size) + 1;

    while (text < end) {
        newline = memchr(text, '\n', (size_t) (end - text));
        check_line(list, text, (size_t) (newline - text));
        text = newline + 1;
    }

    ngx_srt_admit_free(list);

    return 0;
}

/*
 * Reads and searches the admit list.
 */

#include <stdlib.h>
#include <string.h>

#include "ngx_srt_admit.h"


#define NGX_SRT_ADMIT_HEADER       "headend-srt 1"
#define NGX_SRT_ADMIT_FIELDS       4
#define NGX_SRT_ADMIT_DIGITS       12


struct ngx_srt_admit_s {
    ngx_srt_admit_stream_t  *streams;  /* sorted by slug */
    ngx_srt_admit_key_t     *keys;     /* sorted by slug and key id */
    size_t                   nstreams;
    size_t                   nkeys;
};


static ngx_srt_admit_t *ngx_srt_admit_create(const char *text, size_t len);
static const char *ngx_srt_admit_read(ngx_srt_admit_t *list, const char *text,
    size_t len, size_t *line);
static const char *ngx_srt_admit_read_line(ngx_srt_admit_t *list,
    const char *data, size_t len, size_t line);
static int ngx_srt_admit_split(const char *data, size_t len,
    ngx_srt_slice_t fields[NGX_SRT_ADMIT_FIELDS]);
static const char *ngx_srt_admit_add_stream(ngx_srt_admit_t *list,
    const ngx_srt_slice_t *fields, size_t line);
static const char *ngx_srt_admit_add_key(ngx_srt_admit_t *list,
    const ngx_srt_slice_t *fields, size_t line);
static const char *ngx_srt_admit_sort(ngx_srt_admit_t *list, size_t *line);
static int ngx_srt_admit_is(const ngx_srt_slice_t *field, const char *word);
static void ngx_srt_admit_copy(char *target, const ngx_srt_slice_t *source);
static int ngx_srt_admit_compare_streams(const void *one, const void *other);
static int ngx_srt_admit_compare_keys(const void *one, const void *other);


ngx_srt_admit_t *
ngx_srt_admit_parse(const char *text, size_t len, const char **error,
    size_t *line)
{
    ngx_srt_admit_t  *list;

    *line = 1;

    if (len == 0) {
        *error = "empty";
        return NULL;
    }

    if (len > NGX_SRT_ADMIT_MAX_SIZE) {
        *error = "too long";
        return NULL;
    }

    list = ngx_srt_admit_create(text, len);
    if (list == NULL) {
        *error = NGX_SRT_ADMIT_NO_MEMORY;
        return NULL;
    }

    *error = ngx_srt_admit_read(list, text, len, line);

    if (*error == NULL) {
        *error = ngx_srt_admit_sort(list, line);
    }

    if (*error != NULL) {
        ngx_srt_admit_free(list);
        return NULL;
    }

    return list;
}


/* there are not more entries than lines, nor more than are allowed */

static ngx_srt_admit_t *
ngx_srt_admit_create(const char *text, size_t len)
{
    size_t            i, lines, nstreams, nkeys;
    ngx_srt_admit_t  *list;

    lines = 1;

    for (i = 0; i < len; i++) {
        if (text[i] == '\n') {
            lines++;
        }
    }

    nstreams = lines;
    if (nstreams > NGX_SRT_ADMIT_MAX_STREAMS) {
        nstreams = NGX_SRT_ADMIT_MAX_STREAMS;
    }

    nkeys = lines;
    if (nkeys > NGX_SRT_ADMIT_MAX_KEYS) {
        nkeys = NGX_SRT_ADMIT_MAX_KEYS;
    }

    list = calloc(1, sizeof(ngx_srt_admit_t));
    if (list == NULL) {
        return NULL;
    }

    list->streams = calloc(nstreams, sizeof(ngx_srt_admit_stream_t));
    list->keys = calloc(nkeys, sizeof(ngx_srt_admit_key_t));

    if (list->streams == NULL || list->keys == NULL) {
        ngx_srt_admit_free(list);
        return NULL;
    }

    return list;
}


void
ngx_srt_admit_free(ngx_srt_admit_t *list)
{
    if (list == NULL) {
        return;
    }

    free(list->streams);
    free(list->keys);
    free(list);
}


static const char *
ngx_srt_admit_read(ngx_srt_admit_t *list, const char *text, size_t len,
    size_t *line)
{
    const char       *end, *newline, *error;
    ngx_srt_slice_t   header;

    end = text + len;

    for (*line = 1; text < end; (*line)++) {
        newline = memchr(text, '\n', (size_t) (end - text));
        if (newline == NULL) {
            return "the last line has no end";
        }

        if (*line == 1) {
            header.data = text;
            header.len = (size_t) (newline - text);
            error = ngx_srt_admit_is(&header, NGX_SRT_ADMIT_HEADER)
                    ? NULL : "not an admit list of version 1";

        } else {
            error = ngx_srt_admit_read_line(list, text,
                                            (size_t) (newline - text), *line);
        }

        if (error != NULL) {
            return error;
        }

        text = newline + 1;
    }

    return NULL;
}


static const char *
ngx_srt_admit_read_line(ngx_srt_admit_t *list, const char *data, size_t len,
    size_t line)
{
    ngx_srt_slice_t  fields[NGX_SRT_ADMIT_FIELDS];

    if (ngx_srt_admit_split(data, len, fields) != 0) {
        return "not four fields";
    }

    if (!ngx_srt_slug_valid(&fields[1])) {
        return "not a slug";
    }

    if (ngx_srt_admit_is(&fields[0], "stream")) {
        return ngx_srt_admit_add_stream(list, fields, line);
    }

    if (ngx_srt_admit_is(&fields[0], "key")) {
        return ngx_srt_admit_add_key(list, fields, line);
    }

    return "neither stream nor key";
}


static int
ngx_srt_admit_split(const char *data, size_t len,
    ngx_srt_slice_t fields[NGX_SRT_ADMIT_FIELDS])
{
    size_t       i;
    const char  *end, *space;

    end = data + len;

    for (i = 0; i < NGX_SRT_ADMIT_FIELDS; i++) {
        space = memchr(data, ' ', (size_t) (end - data));

        /* a space after each field but the last */

        if ((space == NULL) != (i == NGX_SRT_ADMIT_FIELDS - 1)) {
            return -1;
        }

        fields[i].data = data;
        fields[i].len = (size_t) ((space == NULL ? end : space) - data);

        data = space == NULL ? end : space + 1;
    }

    return 0;
}


static const char *
ngx_srt_admit_add_stream(ngx_srt_admit_t *list, const ngx_srt_slice_t *fields,
    size_t line)
{
    ngx_srt_admit_stream_t  *stream;

    if (list->nkeys > 0) {
        return "a stream after a key";
    }

    if (list->nstreams == NGX_SRT_ADMIT_MAX_STREAMS) {
        return "too many streams";
    }

    stream = &list->streams[list->nstreams];

    if (ngx_srt_admit_is(&fields[2], "any")) {
        stream->ways = NGX_SRT_ADMIT_ANY;

    } else if (ngx_srt_admit_is(&fields[2], "encrypted")) {
        stream->ways = NGX_SRT_ADMIT_ENCRYPTED;

    } else if (ngx_srt_admit_is(&fields[2], "signed")) {
        stream->ways = NGX_SRT_ADMIT_SIGNED;

    } else {
        return "not a way in";
    }

    stream->taken = ngx_srt_admit_is(&fields[3], "taken") ? 1 : 0;

    if (!stream->taken && !ngx_srt_admit_is(&fields[3], "free")) {
        return "neither free nor taken";
    }

    ngx_srt_admit_copy(stream->slug, &fields[1]);
    stream->line = line;
    list->nstreams++;

    return NULL;
}


static const char *
ngx_srt_admit_add_key(ngx_srt_admit_t *list, const ngx_srt_slice_t *fields,
    size_t line)
{
    ngx_srt_admit_key_t  *key;

    if (list->nkeys == NGX_SRT_ADMIT_MAX_KEYS) {
        return "too many keys";
    }

    if (!ngx_srt_key_id_valid(&fields[2])) {
        return "not a key id";
    }

    key = &list->keys[list->nkeys];

    if (!ngx_srt_admit_is(&fields[3], "0")) {
        key->not_after = ngx_srt_seconds(&fields[3], NGX_SRT_ADMIT_DIGITS);

        if (key->not_after == -1) {
            return "not unix seconds";
        }
    }

    ngx_srt_admit_copy(key->slug, &fields[1]);
    ngx_srt_admit_copy(key->key_id, &fields[2]);
    key->line = line;
    list->nkeys++;

    return NULL;
}


/* sorts for the searches; what is there twice lies side by side then */

static const char *
ngx_srt_admit_sort(ngx_srt_admit_t *list, size_t *line)
{
    size_t                i;
    ngx_srt_slice_t       slug;
    ngx_srt_admit_key_t  *key;

    qsort(list->streams, list->nstreams, sizeof(ngx_srt_admit_stream_t),
          ngx_srt_admit_compare_streams);

    for (i = 1; i < list->nstreams; i++) {
        if (ngx_srt_admit_compare_streams(&list->streams[i - 1],
                                          &list->streams[i])
            == 0)
        {
            *line = list->streams[i].line;
            return "a stream twice";
        }
    }

    qsort(list->keys, list->nkeys, sizeof(ngx_srt_admit_key_t),
          ngx_srt_admit_compare_keys);

    for (i = 0; i < list->nkeys; i++) {
        key = &list->keys[i];
        *line = key->line;

        if (i > 0
            && ngx_srt_admit_compare_keys(&list->keys[i - 1], key) == 0)
        {
            return "a key twice";
        }

        slug.data = key->slug;
        slug.len = strlen(key->slug);

        if (ngx_srt_admit_stream(list, &slug) == NULL) {
            return "a key of a stream that is not listed";
        }
    }

    return NULL;
}


size_t
ngx_srt_admit_streams(const ngx_srt_admit_t *list)
{
    return list->nstreams;
}


size_t
ngx_srt_admit_keys(const ngx_srt_admit_t *list)
{
    return list->nkeys;
}


const ngx_srt_admit_stream_t *
ngx_srt_admit_stream(const ngx_srt_admit_t *list, const ngx_srt_slice_t *slug)
{
    ngx_srt_admit_stream_t  wanted;

    if (!ngx_srt_slug_valid(slug)) {
        return NULL;
    }

    ngx_srt_admit_copy(wanted.slug, slug);

    return bsearch(&wanted, list->streams, list->nstreams,
                   sizeof(ngx_srt_admit_stream_t),
                   ngx_srt_admit_compare_streams);
}


const ngx_srt_admit_key_t *
ngx_srt_admit_key(const ngx_srt_admit_t *list, const ngx_srt_slice_t *slug,
    const ngx_srt_slice_t *key_id)
{
    ngx_srt_admit_key_t  wanted;

    if (!ngx_srt_slug_valid(slug) || !ngx_srt_key_id_valid(key_id)) {
        return NULL;
    }

    ngx_srt_admit_copy(wanted.slug, slug);
    ngx_srt_admit_copy(wanted.key_id, key_id);

    return bsearch(&wanted, list->keys, list->nkeys,
                   sizeof(ngx_srt_admit_key_t), ngx_srt_admit_compare_keys);
}


int
ngx_srt_admit_has_key(const ngx_srt_admit_t *list, const char *slug,
    const char *key_id)
{
    ngx_srt_slice_t  name, id;

    name.data = slug;
    name.len = strlen(slug);
    id.data = key_id;
    id.len = strlen(key_id);

    return ngx_srt_admit_key(list, &name, &id) != NULL;
}


static int
ngx_srt_admit_is(const ngx_srt_slice_t *field, const char *word)
{
    return field->len == strlen(word)
           && memcmp(field->data, word, field->len) == 0;
}


/* the grammar was checked: it fits */

static void
ngx_srt_admit_copy(char *target, const ngx_srt_slice_t *source)
{
    memcpy(target, source->data, source->len);
    target[source->len] = '\0';
}


static int
ngx_srt_admit_compare_streams(const void *one, const void *other)
{
    const ngx_srt_admit_stream_t  *a, *b;

    a = one;
    b = other;

    return strcmp(a->slug, b->slug);
}


static int
ngx_srt_admit_compare_keys(const void *one, const void *other)
{
    int                         rc;
    const ngx_srt_admit_key_t  *a, *b;

    a = one;
    b = other;

    rc = strcmp(a->slug, b->slug);

    return rc != 0 ? rc : strcmp(a->key_id, b->key_id);
}

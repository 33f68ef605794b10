#ifdef ${UPPER}_MAIN
#include <stdio.h>
#include <stdlib.h>

$DATA

struct array {
    const char *name, *type;
    void *data;
    size_t item, count;
    FILE *file;
    long start;
};
static struct array inputs[] = {
$INPUTS
};
static struct array results[] = {
$RESULTS
};

static int failed(const char *name, const char *what)
{
    fprintf(stderr, "$STEM: %s: %s\n", name, what);
    return 1;
}

/* Open the file of an array, and go past the header of an .npy file; what is wrong with it, or NULL. */
static const char *opened(struct array *a, const char *path)
{
    unsigned char head[12];
    char text[4096];
    size_t length;
    a->file = fopen(path, "rb");
    if (!a->file)
        return "cannot be opened";
    if (fread(head, 1, 10, a->file) < 10 || memcmp(head, "\x93NUMPY", 6)) {
        rewind(a->file);
        return NULL;
    }
    length = head[8] + 256u * head[9];
    if (head[6] > 1) {
        if (fread(head + 10, 1, 2, a->file) < 2)
            return "ends in its header";
        length += 65536u * head[10] + 16777216u * head[11];
    }
    if (length >= sizeof text || fread(text, 1, length, a->file) < length)
        return "has a header that cannot be read";
    text[length] = 0;
    if (!strstr(text, a->type))
        return "holds elements of another type";
    if (strstr(text, "'fortran_order': True"))
        return "lies column by column";
    a->start = ftell(a->file);
    return NULL;
}

static void printed(const struct array *a)
{
    size_t i;
    for (i = 0; i < a->count; i++) {
        const char *end = i + 1 < a->count ? " " : "";
        const void *at = (const char *)a->data + i * a->item;
        if (a->type[1] == 'f' && a->item == 4)
            printf("%.9g%s", (double)*(const float *)at, end);
        else if (a->type[1] == 'f')
            printf("%.17g%s", *(const double *)at, end);
        else if (a->item == 8)
            printf("%lld%s", (long long)*(const int64_t *)at, end);
        else if (a->item == 4)
            printf("%ld%s", (long)*(const int32_t *)at, end);
        else if (a->item == 2)
            printf("%d%s", *(const int16_t *)at, end);
        else if (a->type[1] == 'i')
            printf("%d%s", *(const int8_t *)at, end);
        else
            printf("%d%s", *(const uint8_t *)at, end);
    }
    putchar('\n');
}

/* Read the next of each input; 1 if there is one, 0 at the end of the files, -1 for an error. */
static int next(void)
{
    struct array *a;
    int whole = 1;
    for (a = inputs; a->name; a++) {
        size_t count = fread(a->data, a->item, a->count, a->file);
        if (count && count < a->count)
            return failed(a->name, "the file ends within an array"), -1;
        if (!count && a > inputs && whole)
            return failed(a->name, "the file has fewer arrays than another"), -1;
        whole = count > 0;
    }
    return whole;
}

/* $STEM$FILES [-n ROUNDS] [-o FILE]
   One file for each input: .npy in row order, or the bytes of the elements alone. A file may hold several
   arrays, one behind the other: there is a call for each, and with -n all of them are gone through so often.
   Results are printed, one in a line, or written as bytes to the file behind -o. */
int main(int count, char **words)
{
    struct array *a = inputs, *r;
    FILE *out = NULL;
    long turn, rounds = 1, calls = 0;
    int i;
    for (i = 1; i < count; i++) {
        if (!strcmp(words[i], "-n") && i + 1 < count) {
            rounds = strtol(words[++i], NULL, 10);
        } else if (!strcmp(words[i], "-o") && i + 1 < count) {
            out = fopen(words[++i], "wb");
            if (!out)
                return failed(words[i], "cannot be written");
        } else if (a->name) {
            const char *wrong = opened(a++, words[i]);
            if (wrong)
                return failed(words[i], wrong);
        } else {
            return failed(words[i], "is one file too many"), 2;
        }
    }
    if (a->name)
        return failed("usage", "$STEM$FILES [-n ROUNDS] [-o FILE]"), 2;
    for (turn = 0; turn < rounds; turn++) {
        int more;
        for (a = inputs; a->name; a++)
            fseek(a->file, a->start, SEEK_SET);
        while ((more = next()) > 0) {
            int status = $CALL($GIVEN);
            if (status)
                return failed("stopped", ${STEM}_error(status));
            for (r = results; r->name; r++) {
                if (!out)
                    printed(r);
                else if (fwrite(r->data, r->item, r->count, out) < r->count)
                    return failed("-o", "cannot be written");
            }
            calls++;
            if (!inputs[0].name)
                break;
        }
        if (more < 0)
            return 1;
    }
    if (!calls)
        return failed("input", "there is no array in the files");
    return out && fclose(out) ? failed("-o", "cannot be written") : 0;
}
#endif

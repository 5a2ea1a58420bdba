/*
 * What must hold whatever was sent.  A broken promise ends the program, as a
 * sanitizer's report does.
 */

#ifndef INVARIANTS_H_INCLUDED_
#define INVARIANTS_H_INCLUDED_


#include <stdio.h>
#include <stdlib.h>


#define must(condition)                                                       \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__,     \
                    #condition);                                              \
            abort();                                                          \
        }                                                                     \
    } while (0)


int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);


#endif /* INVARIANTS_H_INCLUDED_ */

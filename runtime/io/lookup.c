#include "io/lookup.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/table.h"
#include <arpa/inet.h>
#include <string.h>

enum { LIVE_S = 30, LIVE_FAILED_S = 2, ENTRIES_MAX = 4096, ADDRESSES_MAX = 16 };

struct aggr_lookup {
    struct aggr_loop *loop;
    struct aggr_offload *offload;
    aggr_lookup_function *resolve;
    struct aggr_table entries;
    struct aggr_list by_age; /* of entries without a job, the longest unasked first */
    uint64_t next_id;
    struct aggr_answer no_thread;
};

/* A name. It has queries exactly while it has a job. */
struct aggr_lookup_entry {
    struct aggr_table_node node;
    struct aggr_list age;
    struct aggr_list queries;
    struct aggr_lookup *lookup;
    struct lookup_job *job;
    struct aggr_answer *answer; /* the last one, fresh or not; NULL before the first */
    uint64_t expires_ns;
    char host[];
};

struct lookup_job {
    struct aggr_job job;
    struct aggr_lookup_entry *entry; /* touched on the loop only */
    aggr_lookup_function *resolve;
    int rc;
    struct aggr_buf addresses;
    char host[];
};

void aggr_answer_release(struct aggr_answer *answer)
{
    if (!answer || --answer->refs > 0)
        return;
    free(answer->addresses);
    free(answer);
}

static enum aggr_err append_address(struct aggr_buf *list, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN + 3];
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        text[0] = '[';
        inet_ntop(AF_INET6, &in6->sin6_addr, text + 1, sizeof text - 2);
        strcat(text, "]");
    } else {
        return AGGR_OK;
    }
    if (list->len > 0 && aggr_buf_append(list, ",", 1))
        return AGGR_ERR_MEMORY;
    return aggr_buf_append(list, text, strlen(text));
}

static void run_job(struct aggr_job *self)
{
    struct lookup_job *job = AGGR_LIST_ENTRY(self, struct lookup_job, job);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    job->rc = job->resolve(job->host, NULL, &hints, &found);
    if (job->rc != 0)
        return;
    unsigned count = 0;
    for (struct addrinfo *at = found; at && count < ADDRESSES_MAX; at = at->ai_next, count++) {
        if (append_address(&job->addresses, at->ai_addr))
            job->rc = EAI_MEMORY;
    }
    freeaddrinfo(found);
    if (job->rc == 0 && (job->addresses.len == 0 || aggr_buf_append(&job->addresses, "", 1)))
        job->rc = EAI_NONAME;
}

static struct aggr_answer *answer_new(struct aggr_lookup *lookup, struct lookup_job *job)
{
    struct aggr_answer *answer = aggr_mem_new(1, sizeof *answer);
    answer->refs = 1;
    answer->id = ++lookup->next_id;
    if (job->rc == 0) {
        answer->addresses = job->addresses.data;
        job->addresses = (struct aggr_buf){0};
    } else {
        answer->why = gai_strerror(job->rc);
    }
    return answer;
}

/* An answer that says what the last one said keeps that one's id. */
static void remember(struct aggr_lookup_entry *entry, struct lookup_job *job)
{
    struct aggr_answer *last = entry->answer;
    bool same = last && last->addresses && job->rc == 0 &&
                strcmp(last->addresses, job->addresses.data) == 0;
    if (!same) {
        entry->answer = answer_new(entry->lookup, job);
        aggr_answer_release(last);
    }
    uint64_t now_ns = aggr_loop_now(entry->lookup->loop);
    entry->expires_ns = aggr_clock_after(now_ns, job->rc == 0 ? LIVE_S : LIVE_FAILED_S);
}

static void entry_free(struct aggr_lookup_entry *entry)
{
    aggr_table_remove(&entry->lookup->entries, &entry->node);
    aggr_list_remove(&entry->age);
    aggr_answer_release(entry->answer);
    free(entry);
}

static void job_done(struct aggr_job *self)
{
    struct lookup_job *job = AGGR_LIST_ENTRY(self, struct lookup_job, job);
    struct aggr_lookup_entry *entry = job->entry;
    struct aggr_list waiting;
    remember(entry, job);
    entry->job = NULL;
    aggr_list_push(&entry->lookup->by_age, &entry->age);
    aggr_list_init(&waiting);
    aggr_list_splice(&waiting, &entry->queries); /* who asks again from on_answer is not in it */
    struct aggr_answer *answer = aggr_answer_retain(entry->answer);
    struct aggr_list *link;
    while ((link = aggr_list_shift(&waiting))) {
        struct aggr_query *query = AGGR_LIST_ENTRY(link, struct aggr_query, link);
        query->entry = NULL;
        query->on_answer(query, answer);
    }
    aggr_answer_release(answer);
}

static void job_destroy(struct aggr_job *self)
{
    struct lookup_job *job = AGGR_LIST_ENTRY(self, struct lookup_job, job);
    aggr_buf_deinit(&job->addresses);
    free(job);
}

struct aggr_lookup *aggr_lookup_new(struct aggr_loop *loop, struct aggr_offload *offload,
                                    aggr_lookup_function *resolve)
{
    struct aggr_lookup *lookup = aggr_mem_new(1, sizeof *lookup);
    lookup->loop = loop;
    lookup->offload = offload;
    lookup->resolve = resolve;
    aggr_list_init(&lookup->by_age);
    lookup->no_thread.refs = 1;
    lookup->no_thread.why = "no thread for the look-up";
    return lookup;
}

void aggr_lookup_free(struct aggr_lookup *lookup)
{
    if (!lookup)
        return;
    while (!aggr_list_empty(&lookup->by_age))
        entry_free(AGGR_LIST_ENTRY(lookup->by_age.next, struct aggr_lookup_entry, age));
    AGGR_CHECK(lookup->entries.len == 0); /* one with a job has a query */
    aggr_table_deinit(&lookup->entries);
    free(lookup);
}

static bool is_for_host(const struct aggr_table_node *node, const void *host)
{
    return strcmp(AGGR_LIST_ENTRY(node, const struct aggr_lookup_entry, node)->host, host) == 0;
}

static struct aggr_lookup_entry *entry_get(struct aggr_lookup *lookup, const char *host)
{
    size_t len = strlen(host);
    uint64_t hash = aggr_table_hash(host, len);
    struct aggr_table_node *node = aggr_table_find(&lookup->entries, hash, is_for_host, host);
    if (node)
        return AGGR_LIST_ENTRY(node, struct aggr_lookup_entry, node);
    if (lookup->entries.len >= ENTRIES_MAX && !aggr_list_empty(&lookup->by_age))
        entry_free(AGGR_LIST_ENTRY(lookup->by_age.next, struct aggr_lookup_entry, age));
    struct aggr_lookup_entry *entry = aggr_mem_new(1, sizeof *entry + len + 1);
    entry->lookup = lookup;
    memcpy(entry->host, host, len);
    aggr_list_init(&entry->queries);
    aggr_list_init(&entry->age);
    aggr_list_push(&lookup->by_age, &entry->age);
    aggr_table_insert(&lookup->entries, &entry->node, hash);
    return entry;
}

/* NULL: under way. */
static struct aggr_answer *ask(struct aggr_lookup_entry *entry)
{
    struct aggr_lookup *lookup = entry->lookup;
    size_t len = strlen(entry->host);
    struct lookup_job *job = aggr_mem_new(1, sizeof *job + len + 1);
    job->job.run = run_job;
    job->job.on_done = job_done;
    job->job.destroy = job_destroy;
    job->entry = entry;
    job->resolve = lookup->resolve;
    memcpy(job->host, entry->host, len);
    if (aggr_offload_submit(lookup->offload, &job->job)) {
        job_destroy(&job->job);
        return &lookup->no_thread;
    }
    entry->job = job;
    aggr_list_remove(&entry->age);
    return NULL;
}

struct aggr_answer *aggr_lookup_start(struct aggr_lookup *lookup, const char *host,
                                      struct aggr_query *query)
{
    struct aggr_lookup_entry *entry = entry_get(lookup, host);
    if (!entry->job) {
        if (entry->answer && aggr_loop_now(lookup->loop) < entry->expires_ns)
            return entry->answer;
        struct aggr_answer *failed = ask(entry);
        if (failed)
            return failed;
    }
    query->entry = entry;
    aggr_list_push(&entry->queries, &query->link);
    return NULL;
}

void aggr_lookup_cancel(struct aggr_query *query)
{
    struct aggr_lookup_entry *entry = query->entry;
    aggr_list_remove(&query->link); /* also out of the batch being answered */
    if (!entry)
        return;
    query->entry = NULL;
    if (!aggr_list_empty(&entry->queries) || !entry->job)
        return;
    aggr_offload_abandon(&entry->job->job);
    entry->job = NULL;
    aggr_list_push(&entry->lookup->by_age, &entry->age);
}

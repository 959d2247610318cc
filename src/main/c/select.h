/* The largest logit and the k largest. What is not a number is the smallest of all. */

INLINE int find(const float *x, int n, float value) {
  for (int i = 0; i < n; i++) {
    if (x[i] == value) return i;
  }
  return 0;
}

static int argmax(const float *logits, int n) {
  v16f max = f_set1(-INFINITY);
  int i = 0;
  for (; i + 16 <= n; i += 16) max = f_max(f_load(logits + i), max);
  float most = f_max_lane(max);
  for (; i < n; i++) most = logits[i] > most ? logits[i] : most;
  return find(logits, n, most);
}

/* The k best so far: a heap whose root is the worst of them, the smallest or of equals the last. */
struct best {
  int k;
  int32_t *ids;
  float *values;
};

INLINE int worse(float value, int32_t id, float other, int32_t other_id) {
  return value < other || (value == other && id > other_id);
}

/* Puts a logit where the entry at was, then moves it down to its place. */
static void sift_down(struct best *best, int at, float value, int32_t id) {
  for (int child; (child = 2 * at + 1) < best->k; at = child) {
    if (child + 1 < best->k && worse(best->values[child + 1], best->ids[child + 1],
                                     best->values[child], best->ids[child])) {
      child++;
    }
    if (!worse(best->values[child], best->ids[child], value, id)) break;
    best->values[at] = best->values[child];
    best->ids[at] = best->ids[child];
  }
  best->values[at] = value;
  best->ids[at] = id;
}

/* Adding zero makes -0 the equal of 0 that it is. */
INLINE float rank(float logit) { return logit == logit ? logit + 0.0f : -INFINITY; }

INLINE void offer(struct best *best, const float *logits, int from, int to) {
  for (int i = from; i < to; i++) {
    /* Of equals the earlier is better, and that one is there already. */
    if (logits[i] > best->values[0]) sift_down(best, 0, rank(logits[i]), i);
  }
}

static void top_k(const float *logits, int n, int k, int32_t *ids, float *values) {
  struct best best = {k, ids, values};
  for (int i = 0; i < k; i++) {
    ids[i] = i;
    values[i] = rank(logits[i]);
  }
  for (int at = k / 2 - 1; at >= 0; at--) sift_down(&best, at, values[at], ids[at]);
  int i = k;
  for (; i + 16 <= n; i += 16) {
    if (f_any_above(f_load(logits + i), values[0])) offer(&best, logits, i, i + 16);
  }
  offer(&best, logits, i, n);
  /* Heap sort: the worst of the rest goes behind it. */
  while (best.k > 1) {
    int last = --best.k;
    float value = values[last];
    int32_t id = ids[last];
    values[last] = values[0];
    ids[last] = ids[0];
    sift_down(&best, 0, value, id);
  }
}

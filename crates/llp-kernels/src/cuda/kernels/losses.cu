// Bag losses and their gradients by the logits, [instance, class]. A block has one bag, whose instances begin at
// `starts[bag]` and end at `starts[bag + 1]`; `proportions` is [bag, class].

#define THREADS 128 // of a block here
#define LANES 32    // threads that add up one class together
#define GROUPS (THREADS / LANES)
#define MAX_CLASSES 128

/// What a block knows of its bag.
struct Bag {
    int begin, n, n_classes;
    const float* logits;      // of its first instance
    const float* proportions; // [class]
};

__device__ inline Bag bag_of(const float* logits, const int* starts, const float* proportions, int n_classes) {
    Bag bag;
    bag.begin = starts[blockIdx.x];
    bag.n = starts[blockIdx.x + 1] - bag.begin;
    bag.n_classes = n_classes;
    bag.logits = logits + (i64)bag.begin * n_classes;
    bag.proportions = proportions + (i64)blockIdx.x * n_classes;
    return bag;
}

/// The sum over the `width` threads that share a group; valid for all of them. All threads of the block must call it.
__device__ inline float group_sum(float value, int width) {
    __shared__ float sums[THREADS];
    int t = threadIdx.x, lane = t % width;
    sums[t] = value;
    __syncthreads();
    for (int half = width / 2; half > 0; half /= 2) {
        if (lane < half) sums[t] += sums[t + half];
        __syncthreads();
    }
    float sum = sums[t - lane];
    __syncthreads();
    return sum;
}

/// `log sum_i exp(x_i)` over the classes of one row.
__device__ inline float log_sum_exp(const float* x, int n_classes) {
    float largest = x[0], sum = 0.0f;
    for (int i = 1; i < n_classes; i++) largest = max(largest, x[i]);
    for (int i = 0; i < n_classes; i++) sum += expf(x[i] - largest);
    return largest + logf(sum);
}

/// Writes the normalizers of the softmax of each instance.
__device__ inline void normalize(Bag bag, float* normalizers) {
    for (int j = threadIdx.x; j < bag.n; j += THREADS) {
        normalizers[bag.begin + j] = log_sum_exp(bag.logits + (i64)j * bag.n_classes, bag.n_classes);
    }
    __syncthreads();
}

/// The KL loss: minus the sum over classes of the proportion times the logarithm of the mean prediction.
extern "C" __global__ void kl_loss(const float* logits, const int* starts, const float* proportions, int n_classes,
                                   float* loss, float* gradient, float* normalizers) {
    __shared__ float log_sums[MAX_CLASSES];
    Bag bag = bag_of(logits, starts, proportions, n_classes);
    normalize(bag, normalizers);
    int lane = threadIdx.x % LANES, group = threadIdx.x / LANES;
    for (int base = 0; base < n_classes; base += GROUPS) {
        int i = base + group;
        // Probabilities relative to the largest of the class, so that a class that nobody predicts keeps its slope.
        float largest = -infinity();
        if (i < n_classes) {
            for (int j = 0; j < bag.n; j++) {
                largest = max(largest, bag.logits[(i64)j * n_classes + i] - normalizers[bag.begin + j]);
            }
        }
        float sum = 0.0f;
        if (i < n_classes) {
            for (int j = lane; j < bag.n; j += LANES) {
                sum += expf(bag.logits[(i64)j * n_classes + i] - normalizers[bag.begin + j] - largest);
            }
        }
        sum = group_sum(sum, LANES);
        if (i < n_classes && lane == 0) log_sums[i] = largest + logf(sum);
    }
    __syncthreads();
    for (int j = threadIdx.x; j < bag.n; j += THREADS) {
        const float* row = bag.logits + (i64)j * n_classes;
        float* slope = gradient + (i64)(bag.begin + j) * n_classes;
        float total = 0.0f, normalizer = normalizers[bag.begin + j];
        for (int i = 0; i < n_classes; i++) {
            float z = bag.proportions[i];
            slope[i] = z > 0.0f ? -z * expf(row[i] - normalizer - log_sums[i]) : 0.0f;
            total += slope[i];
        }
        for (int i = 0; i < n_classes; i++) slope[i] -= expf(row[i] - normalizer) * total;
    }
    if (threadIdx.x == 0) {
        float sum = 0.0f, log_n = logf((float)bag.n);
        for (int i = 0; i < n_classes; i++) {
            float z = bag.proportions[i];
            if (z > 0.0f) sum -= z * (log_sums[i] - log_n);
        }
        loss[blockIdx.x] = sum;
    }
}

/// AvgKL: the mean over instances of the cross-entropy with the proportions.
extern "C" __global__ void avg_kl_loss(const float* logits, const int* starts, const float* proportions, int n_classes,
                                       float* loss, float* gradient, float* normalizers) {
    Bag bag = bag_of(logits, starts, proportions, n_classes);
    normalize(bag, normalizers);
    float total = 0.0f, sum = 0.0f;
    for (int i = 0; i < n_classes; i++) total += bag.proportions[i];
    for (int j = threadIdx.x; j < bag.n; j += THREADS) {
        const float* row = bag.logits + (i64)j * n_classes;
        float* slope = gradient + (i64)(bag.begin + j) * n_classes;
        float normalizer = normalizers[bag.begin + j];
        for (int i = 0; i < n_classes; i++) {
            float z = bag.proportions[i], log_prob = row[i] - normalizer;
            if (z > 0.0f) sum -= z * log_prob;
            slope[i] = (expf(log_prob) * total - z) / bag.n;
        }
    }
    sum = group_sum(sum, THREADS);
    if (threadIdx.x == 0) loss[blockIdx.x] = sum / bag.n;
}

/// What ROT keeps for each class, in double precision as on the CPU. A thread has the classes `threadIdx.x`,
/// `threadIdx.x + THREADS`, ...; sums over classes are the first thread's, in their order.
struct Potentials {
    double target[MAX_CLASSES], log_target[MAX_CLASSES];
    double potential[MAX_CLASSES], weight[MAX_CLASSES], mass[MAX_CLASSES];
    double least, mean, residual;
};

/// The classes of this thread that have a share.
#define FOR_EACH_CLASS(i)                                                                                              \
    for (int i = threadIdx.x; i < n_classes; i += THREADS)                                                             \
        if (at.target[i] > 0.0)

/// Adds the constant to the potentials that maximizes the dual along that line, and sets the weights there.
__device__ inline void shift_potentials(Potentials& at, int n_classes, int n, double inverse_kappa) {
    if (threadIdx.x == 0) {
        at.least = infinity();
        for (int i = 0; i < n_classes; i++) {
            if (at.target[i] > 0.0) at.least = min(at.least, at.potential[i]);
        }
    }
    __syncthreads();
    FOR_EACH_CLASS(i) {
        at.potential[i] -= at.least;
        at.weight[i] = at.target[i] * exp(-at.potential[i] * inverse_kappa);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        double sum = 0.0;
        for (int i = 0; i < n_classes; i++) {
            if (at.target[i] > 0.0) sum += at.weight[i];
        }
        at.mean = sum / n;
    }
    __syncthreads();
    FOR_EACH_CLASS(i) {
        at.potential[i] += log(at.mean) / inverse_kappa;
        at.weight[i] /= at.mean;
    }
    __syncthreads();
}

/// The masses that the coupling at the present potentials gives to the classes; `columns` receives the normalizer of
/// each instance's column, or zeros where the columns are `plain`: the `b = 1` with which Algorithm 1 begins.
__device__ inline void couple(Potentials& at, Bag bag, float inverse_epsilon, const float* normalizers, float* columns,
                              bool plain) {
    for (int j = threadIdx.x; j < bag.n; j += THREADS) {
        const float* row = bag.logits + (i64)j * bag.n_classes;
        float normalizer = normalizers[bag.begin + j], largest = -infinity(), sum = 0.0f;
        for (int i = 0; i < bag.n_classes; i++) {
            if (at.target[i] > 0.0) largest = max(largest, (float)at.potential[i] + row[i] - normalizer);
        }
        for (int i = 0; i < bag.n_classes; i++) {
            if (at.target[i] > 0.0) {
                sum += expf(((float)at.potential[i] + row[i] - normalizer - largest) * inverse_epsilon);
            }
        }
        columns[bag.begin + j] = plain ? 0.0f : largest * inverse_epsilon + logf(sum);
    }
    __syncthreads();
    int lane = threadIdx.x % LANES, group = threadIdx.x / LANES;
    for (int base = 0; base < bag.n_classes; base += GROUPS) {
        int i = base + group;
        bool counts = i < bag.n_classes && at.target[i] > 0.0;
        float sum = 0.0f;
        for (int j = lane; counts && j < bag.n; j += LANES) {
            float score = bag.logits[(i64)j * bag.n_classes + i] - normalizers[bag.begin + j];
            sum += expf(((float)at.potential[i] + score) * inverse_epsilon - columns[bag.begin + j]);
        }
        sum = group_sum(sum, LANES);
        if (i < bag.n_classes && lane == 0) at.mass[i] = sum;
    }
    __syncthreads();
}

/// The ROT loss, by the sweeps of Algorithm 1 on potentials.
///
/// With `shifts`, the constant part of the potentials is taken to its optimum before each sweep, and sweeps end when
/// the largest error of a share is at most `threshold`; else there are `n_sweeps` of them as printed.
extern "C" __global__ void rot_loss(const float* logits, const int* starts, const float* proportions, int n_classes,
                                    float* loss, float* gradient, float* normalizers, float* columns, float alpha,
                                    float epsilon, float threshold, int n_sweeps, int shifts) {
    __shared__ Potentials at;
    Bag bag = bag_of(logits, starts, proportions, n_classes);
    normalize(bag, normalizers);
    double inverse_kappa = (double)alpha / (1.0 - (double)alpha);
    double tau = 1.0 / (1.0 + (double)epsilon * inverse_kappa);
    float inverse_epsilon = 1.0f / epsilon;
    double total = 0.0;
    for (int i = 0; i < n_classes; i++) total += bag.proportions[i];
    for (int i = threadIdx.x; i < n_classes; i += THREADS) {
        at.target[i] = bag.proportions[i] / total * bag.n;
        at.log_target[i] = log(at.target[i]);
        at.potential[i] = 0.0;
        at.weight[i] = at.target[i];
        at.mass[i] = 0.0;
    }
    __syncthreads();
    for (int sweep = 0; sweep <= n_sweeps; sweep++) {
        if (shifts) shift_potentials(at, n_classes, bag.n, inverse_kappa);
        couple(at, bag, inverse_epsilon, normalizers, columns, !shifts && sweep == 0 && n_sweeps > 0);
        if (threadIdx.x == 0) {
            at.residual = 0.0;
            for (int i = 0; i < n_classes; i++) {
                double error = at.weight[i] > at.mass[i] ? at.weight[i] - at.mass[i] : at.mass[i] - at.weight[i];
                if (!(error <= at.residual)) at.residual = error;
            }
        }
        __syncthreads();
        if (sweep == n_sweeps || (shifts && at.residual <= (double)threshold * bag.n)) break;
        __syncthreads(); // the residual has been read by all before it is written again
        FOR_EACH_CLASS(i) {
            // A mass below the smallest float counts as that: the next sweeps mend it.
            double ratio = at.log_target[i] - log(max(at.mass[i], 1e-37));
            at.potential[i] = tau * (at.potential[i] + (double)epsilon * ratio);
            at.weight[i] = at.target[i] * exp(-at.potential[i] * inverse_kappa);
        }
        __syncthreads();
    }
    float log_sum = 0.0f;
    for (int j = threadIdx.x; j < bag.n; j += THREADS) {
        const float* row = bag.logits + (i64)j * n_classes;
        float* slope = gradient + (i64)(bag.begin + j) * n_classes;
        float normalizer = normalizers[bag.begin + j], column = columns[bag.begin + j];
        log_sum += column;
        for (int i = 0; i < n_classes; i++) {
            float coupled = 0.0f;
            if (at.target[i] > 0.0) {
                coupled = expf(((float)at.potential[i] + row[i] - normalizer) * inverse_epsilon - column);
            }
            slope[i] = alpha / bag.n * (expf(row[i] - normalizer) - coupled);
        }
    }
    log_sum = group_sum(log_sum, THREADS);
    if (threadIdx.x == 0) {
        // The dual value, and the gap to the value of the coupling, which the loss is.
        double marginal = 0.0, gap = 0.0;
        for (int i = 0; i < n_classes; i++) {
            if (at.target[i] <= 0.0) continue;
            marginal -= at.target[i] * expm1(-at.potential[i] * inverse_kappa) / inverse_kappa;
            double weight = at.target[i] * exp(-at.potential[i] * inverse_kappa), mass = at.mass[i];
            if (mass > 0.0) gap += mass * log(mass / weight);
            gap += weight - mass;
        }
        double dual = alpha * ((marginal - (double)epsilon * log_sum) / bag.n - epsilon);
        loss[blockIdx.x] = (float)(dual + (1.0 - alpha) * gap / bag.n);
    }
}

/// The gradients of the bags' losses, each times what arrives for its bag.
extern "C" __global__ void scale_bags(const float* gradient, const int* starts, const float* factors, int n_classes,
                                      float* scaled) {
    i64 begin = (i64)starts[blockIdx.x] * n_classes, end = (i64)starts[blockIdx.x + 1] * n_classes;
    float factor = factors[blockIdx.x];
    for (i64 i = begin + threadIdx.x; i < end; i += blockDim.x) scaled[i] = gradient[i] * factor;
}

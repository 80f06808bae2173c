// Batch normalization over the rows of [row, channel].
//
// Rows are cut into slabs, gridDim.y of them, which depend on the shape alone; a block has blockDim.x vectors of V
// channels and blockDim.y rows at a time. Sums of a slab go to memory and are added up by a second kernel in a fixed
// order, so that equal inputs give equal bits.

#define BLOCK 256 // threads of a block here
#define FOLD 32   // channels, and slabs at a time, of a block that adds up

struct Slab {
    int begin, end;
};

__device__ inline Slab slab_of(int rows) {
    int per_slab = (rows + gridDim.y - 1) / gridDim.y;
    Slab slab;
    slab.begin = min(rows, (int)blockIdx.y * per_slab);
    slab.end = min(rows, slab.begin + per_slab);
    return slab;
}

/// Adds `value` of all rows of the block, for each vector of channels; the result is valid in row 0.
__device__ inline float over_rows(float value) {
    __shared__ float sums[BLOCK];
    int place = threadIdx.y * blockDim.x + threadIdx.x;
    sums[place] = value;
    __syncthreads();
    for (int half = blockDim.y / 2; half > 0; half /= 2) {
        if (threadIdx.y < half) sums[place] += sums[place + half * blockDim.x];
        __syncthreads();
    }
    float sum = sums[threadIdx.x];
    __syncthreads();
    return sum;
}

/// Mean and sum of squared deviations of each slab, [slab, channel] each. Deviations are taken from the slab's first
/// row, which is near the mean as far as the spread allows, so that squares do not cancel.
template <class T, int V>
__device__ void batch_norm_moments(const T* x, float* means, float* squares, int rows, int channels) {
    Slab slab = slab_of(rows);
    int c = (blockIdx.x * blockDim.x + threadIdx.x) * V;
    bool inside = c < channels && slab.begin < slab.end;
    float first[V], sum[V], square[V];
    for (int v = 0; v < V; v++) first[v] = sum[v] = square[v] = 0.0f;
    if (inside) {
        Pack<T, V> pack = load<T, V>(x + (i64)slab.begin * channels + c);
        for (int v = 0; v < V; v++) first[v] = widen(pack.at[v]);
        for (int row = slab.begin + threadIdx.y; row < slab.end; row += blockDim.y) {
            pack = load<T, V>(x + (i64)row * channels + c);
            for (int v = 0; v < V; v++) {
                float deviation = widen(pack.at[v]) - first[v];
                sum[v] += deviation;
                square[v] += deviation * deviation;
            }
        }
    }
    float n = (float)max(1, slab.end - slab.begin);
    for (int v = 0; v < V; v++) {
        float total = over_rows(sum[v]), total_square = over_rows(square[v]);
        if (inside && threadIdx.y == 0) {
            i64 place = (i64)blockIdx.y * channels + c + v;
            means[place] = first[v] + total / n;
            squares[place] = max(0.0f, total_square - total * (total / n));
        }
    }
}

/// More threads than the registers of a block may serve unless the compiler knows of them.
#define FOLDED __launch_bounds__(FOLD* FOLD)

/// The moments of all slabs together by Chan's formula, in double precision; moves the running statistics by
/// `momentum`, 0 to leave them. blockDim is [FOLD, FOLD].
extern "C" __global__ void FOLDED batch_norm_finish(const float* means, const float* squares, int n_slabs, int rows,
                                                    int channels, float epsilon, float momentum, float* mean,
                                                    float* inverse_deviation, float* running_mean,
                                                    float* running_variance) {
    __shared__ double counts[FOLD][FOLD], of_mean[FOLD][FOLD], of_squares[FOLD][FOLD];
    int c = blockIdx.x * FOLD + threadIdx.x;
    int per_slab = (rows + n_slabs - 1) / n_slabs;
    double count = 0.0, center = 0.0, square = 0.0;
    if (c < channels) {
        for (int slab = threadIdx.y; slab < n_slabs; slab += FOLD) {
            double n = (double)(min(rows, (slab + 1) * per_slab) - min(rows, slab * per_slab));
            if (n <= 0.0) continue;
            i64 place = (i64)slab * channels + c;
            double both = count + n, delta = (double)means[place] - center;
            center += delta * n / both;
            square += (double)squares[place] + delta * delta * count * n / both;
            count = both;
        }
    }
    counts[threadIdx.y][threadIdx.x] = count;
    of_mean[threadIdx.y][threadIdx.x] = center;
    of_squares[threadIdx.y][threadIdx.x] = square;
    __syncthreads();
    for (int half = FOLD / 2; half > 0; half /= 2) {
        if (threadIdx.y < half) {
            double n = counts[threadIdx.y + half][threadIdx.x];
            if (n > 0.0) {
                double before = counts[threadIdx.y][threadIdx.x], both = before + n;
                double delta = of_mean[threadIdx.y + half][threadIdx.x] - of_mean[threadIdx.y][threadIdx.x];
                of_mean[threadIdx.y][threadIdx.x] += delta * n / both;
                of_squares[threadIdx.y][threadIdx.x] +=
                    of_squares[threadIdx.y + half][threadIdx.x] + delta * delta * before * n / both;
                counts[threadIdx.y][threadIdx.x] = both;
            }
        }
        __syncthreads();
    }
    if (threadIdx.y == 0 && c < channels) {
        double variance = of_squares[0][threadIdx.x] / rows;
        mean[c] = (float)of_mean[0][threadIdx.x];
        inverse_deviation[c] = (float)(1.0 / sqrt(variance + (double)epsilon));
        if (momentum != 0.0f) {
            double unbiased = variance * rows / (rows - 1.0);
            running_mean[c] += (float)(momentum * (of_mean[0][threadIdx.x] - running_mean[c]));
            running_variance[c] += (float)(momentum * (unbiased - running_variance[c]));
        }
    }
}

/// `1 / sqrt(variance + epsilon)`.
extern "C" __global__ void inverse_deviation(const float* variance, float* result, float epsilon, i64 n) {
    i64 c = thread_index();
    if (c < n) result[c] = (float)(1.0 / sqrt((double)variance[c] + (double)epsilon));
}

/// The parameters of V channels: `y = (x - mean) scale + beta`.
template <int V> struct Channels {
    float mean[V], scale[V], beta[V];
};

template <int V>
__device__ Channels<V> channels_at(int c, const float* mean, const float* inverse_deviation, const float* gamma,
                                   const float* beta) {
    Channels<V> at;
    for (int v = 0; v < V; v++) {
        at.mean[v] = mean[c + v];
        at.scale[v] = gamma[c + v] * inverse_deviation[c + v];
        at.beta[v] = beta[c + v];
    }
    return at;
}

/// `y = (x - mean) scale + beta`, plus the residual if there is one, then ReLU if asked for.
template <class T, int V>
__device__ void batch_norm_apply(const T* x, const T* residual, T* y, const float* mean,
                                 const float* inverse_deviation, const float* gamma, const float* beta, int rows,
                                 int channels, int relu) {
    int c = (blockIdx.x * blockDim.x + threadIdx.x) * V;
    if (c >= channels) return;
    Channels<V> at = channels_at<V>(c, mean, inverse_deviation, gamma, beta);
    Slab slab = slab_of(rows);
    for (int row = slab.begin + threadIdx.y; row < slab.end; row += blockDim.y) {
        i64 place = (i64)row * channels + c;
        Pack<T, V> in = load<T, V>(x + place), more, out;
        if (residual) more = load<T, V>(residual + place);
        for (int v = 0; v < V; v++) {
            float value = (widen(in.at[v]) - at.mean[v]) * at.scale[v] + at.beta[v];
            if (residual) value += widen(more.at[v]);
            out.at[v] = narrow<T>(relu && value < 0.0f ? 0.0f : value);
        }
        store<T, V>(y + place, out);
    }
}

/// Sums over each slab of the gradient of `y`, plain and times the deviation of `x`, [slab, channel] each.
///
/// Where `y` is given, the ReLU has let pass what is positive there, and the gradient is cut in place; where it is
/// not, and `relu` is set, `y` is computed once more.
template <class T, int V>
__device__ void batch_norm_sums(const T* x, const T* y, T* gradient, const float* mean,
                                const float* inverse_deviation, const float* gamma, const float* beta, float* plain,
                                float* centered, int rows, int channels, int relu) {
    Slab slab = slab_of(rows);
    int c = (blockIdx.x * blockDim.x + threadIdx.x) * V;
    bool inside = c < channels;
    float sum[V], product[V];
    for (int v = 0; v < V; v++) sum[v] = product[v] = 0.0f;
    if (inside) {
        Channels<V> at = channels_at<V>(c, mean, inverse_deviation, gamma, beta);
        for (int row = slab.begin + threadIdx.y; row < slab.end; row += blockDim.y) {
            i64 place = (i64)row * channels + c;
            Pack<T, V> in = load<T, V>(x + place), slope = load<T, V>(gradient + place), out;
            if (y) out = load<T, V>(y + place);
            for (int v = 0; v < V; v++) {
                float deviation = widen(in.at[v]) - at.mean[v], g = widen(slope.at[v]);
                float result = y ? widen(out.at[v]) : deviation * at.scale[v] + at.beta[v];
                if (relu && !(result > 0.0f)) g = 0.0f;
                slope.at[v] = narrow<T>(g);
                sum[v] += g;
                product[v] += g * deviation;
            }
            if (y && relu) store<T, V>(gradient + place, slope);
        }
    }
    for (int v = 0; v < V; v++) {
        float total = over_rows(sum[v]), total_product = over_rows(product[v]);
        if (inside && threadIdx.y == 0) {
            i64 place = (i64)blockIdx.y * channels + c + v;
            plain[place] = total;
            centered[place] = total_product;
        }
    }
}

/// The gradients of gamma and beta. blockDim is [FOLD, FOLD].
extern "C" __global__ void FOLDED batch_norm_parameters(const float* plain, const float* centered, int n_slabs,
                                                        int channels, const float* inverse_deviation,
                                                        float* gamma_gradient, float* beta_gradient) {
    __shared__ double sums[FOLD][FOLD], products[FOLD][FOLD];
    int c = blockIdx.x * FOLD + threadIdx.x;
    double sum = 0.0, product = 0.0;
    if (c < channels) {
        for (int slab = threadIdx.y; slab < n_slabs; slab += FOLD) {
            sum += (double)plain[(i64)slab * channels + c];
            product += (double)centered[(i64)slab * channels + c];
        }
    }
    sums[threadIdx.y][threadIdx.x] = sum;
    products[threadIdx.y][threadIdx.x] = product;
    __syncthreads();
    for (int half = FOLD / 2; half > 0; half /= 2) {
        if (threadIdx.y < half) {
            sums[threadIdx.y][threadIdx.x] += sums[threadIdx.y + half][threadIdx.x];
            products[threadIdx.y][threadIdx.x] += products[threadIdx.y + half][threadIdx.x];
        }
        __syncthreads();
    }
    if (threadIdx.y == 0 && c < channels) {
        beta_gradient[c] = (float)sums[0][threadIdx.x];
        gamma_gradient[c] = (float)(products[0][threadIdx.x] * inverse_deviation[c]);
    }
}

/// The gradient of `x`, which may take the place of that of `y`.
///
/// With `from_batch` mean and deviation depend on `x`, else they are constants. `relu` asks for the cut of the ReLU,
/// where it has not been made yet.
template <class T, int V>
__device__ void batch_norm_input_gradient(const T* x, const T* gradient, T* x_gradient, const float* mean,
                                          const float* inverse_deviation, const float* gamma, const float* beta,
                                          const float* gamma_gradient, const float* beta_gradient, int rows,
                                          int channels, int relu, int from_batch) {
    int c = (blockIdx.x * blockDim.x + threadIdx.x) * V;
    if (c >= channels) return;
    Channels<V> at = channels_at<V>(c, mean, inverse_deviation, gamma, beta);
    float shift[V], slope[V];
    for (int v = 0; v < V; v++) {
        shift[v] = from_batch ? beta_gradient[c + v] / rows : 0.0f;
        slope[v] = from_batch ? gamma_gradient[c + v] * inverse_deviation[c + v] / rows : 0.0f;
    }
    Slab slab = slab_of(rows);
    for (int row = slab.begin + threadIdx.y; row < slab.end; row += blockDim.y) {
        i64 place = (i64)row * channels + c;
        Pack<T, V> in = load<T, V>(x + place), from = load<T, V>(gradient + place), to;
        for (int v = 0; v < V; v++) {
            float deviation = widen(in.at[v]) - at.mean[v], g = widen(from.at[v]);
            if (relu && !(deviation * at.scale[v] + at.beta[v] > 0.0f)) g = 0.0f;
            to.at[v] = narrow<T>(at.scale[v] * (g - shift[v] - deviation * slope[v]));
        }
        store<T, V>(x_gradient + place, to);
    }
}

#define BATCH_NORM(suffix, T, V)                                                                                       \
    extern "C" __global__ void batch_norm_moments_##suffix(const T* x, float* means, float* squares, int rows,         \
                                                           int channels) {                                             \
        batch_norm_moments<T, V>(x, means, squares, rows, channels);                                                   \
    }                                                                                                                  \
    extern "C" __global__ void batch_norm_apply_##suffix(const T* x, const T* residual, T* y, const float* mean,       \
                                                         const float* inverse_deviation, const float* gamma,           \
                                                         const float* beta, int rows, int channels, int relu) {        \
        batch_norm_apply<T, V>(x, residual, y, mean, inverse_deviation, gamma, beta, rows, channels, relu);            \
    }                                                                                                                  \
    extern "C" __global__ void batch_norm_sums_##suffix(                                                               \
        const T* x, const T* y, T* gradient, const float* mean, const float* inverse_deviation, const float* gamma,    \
        const float* beta, float* plain, float* centered, int rows, int channels, int relu) {                          \
        batch_norm_sums<T, V>(x, y, gradient, mean, inverse_deviation, gamma, beta, plain, centered, rows, channels,   \
                              relu);                                                                                   \
    }                                                                                                                  \
    extern "C" __global__ void batch_norm_input_gradient_##suffix(                                                     \
        const T* x, const T* gradient, T* x_gradient, const float* mean, const float* inverse_deviation,               \
        const float* gamma, const float* beta, const float* gamma_gradient, const float* beta_gradient, int rows,      \
        int channels, int relu, int from_batch) {                                                                      \
        batch_norm_input_gradient<T, V>(x, gradient, x_gradient, mean, inverse_deviation, gamma, beta, gamma_gradient, \
                                        beta_gradient, rows, channels, relu, from_batch);                              \
    }
FOR_BOTH_WIDTHS(BATCH_NORM)

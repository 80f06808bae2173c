// Pooling over NHWC images. A thread has one number of the result.

template <class T> __device__ void average_pool(const T* x, float* y, int pixels, int channels, i64 n) {
    i64 i = thread_index();
    if (i >= n) return;
    const T* image = x + i / channels * pixels * channels + i % channels;
    float sum = 0.0f;
    for (int pixel = 0; pixel < pixels; pixel++) sum += widen(image[(i64)pixel * channels]);
    y[i] = sum / pixels;
}

template <class T>
__device__ void average_pool_backward(const float* y_gradient, T* x_gradient, int pixels, int channels, i64 n) {
    i64 i = thread_index();
    if (i >= n) return;
    i64 image = i / ((i64)pixels * channels);
    x_gradient[i] = narrow<T>(y_gradient[image * channels + i % channels] / pixels);
}

/// The extents of a max pooling, whose windows are cut at the border.
struct Pool {
    int height, width, channels, kernel, stride, padding, out_height, out_width;
};

/// Writes the largest value of each window and, counted within the kernel's square, the first place that has it.
template <class T> __device__ void max_pool(const T* x, T* y, unsigned short* winners, Pool pool, i64 n) {
    i64 i = thread_index();
    if (i >= n) return;
    int c = i % pool.channels, out_x = i / pool.channels % pool.out_width;
    int out_y = i / ((i64)pool.channels * pool.out_width) % pool.out_height;
    i64 image = i / ((i64)pool.channels * pool.out_width * pool.out_height);
    float largest = 0.0f;
    int winner = -1;
    for (int dy = 0; dy < pool.kernel; dy++) {
        int in_y = out_y * pool.stride - pool.padding + dy;
        if (in_y < 0 || in_y >= pool.height) continue;
        for (int dx = 0; dx < pool.kernel; dx++) {
            int in_x = out_x * pool.stride - pool.padding + dx;
            if (in_x < 0 || in_x >= pool.width) continue;
            float value = widen(x[((image * pool.height + in_y) * pool.width + in_x) * pool.channels + c]);
            // What is no number wins and stays, so that it is seen downstream.
            bool wins = winner < 0 || ((value > largest || value != value) && largest == largest);
            if (wins) {
                largest = value;
                winner = dy * pool.kernel + dx;
            }
        }
    }
    y[i] = narrow<T>(largest);
    winners[i] = (unsigned short)winner;
}

/// A pixel gets the gradients of the windows that it has won.
template <class T>
__device__ void max_pool_backward(const T* y_gradient, const unsigned short* winners, T* x_gradient, Pool pool, i64 n) {
    i64 i = thread_index();
    if (i >= n) return;
    int c = i % pool.channels, in_x = i / pool.channels % pool.width;
    int in_y = i / ((i64)pool.channels * pool.width) % pool.height;
    i64 image = i / ((i64)pool.channels * pool.width * pool.height);
    float sum = 0.0f;
    for (int dy = 0; dy < pool.kernel; dy++) {
        int from_y = in_y + pool.padding - dy;
        if (from_y < 0 || from_y % pool.stride != 0 || from_y / pool.stride >= pool.out_height) continue;
        for (int dx = 0; dx < pool.kernel; dx++) {
            int from_x = in_x + pool.padding - dx;
            if (from_x < 0 || from_x % pool.stride != 0 || from_x / pool.stride >= pool.out_width) continue;
            i64 out = ((image * pool.out_height + from_y / pool.stride) * pool.out_width + from_x / pool.stride) *
                          pool.channels + c;
            if (winners[out] == dy * pool.kernel + dx) sum += widen(y_gradient[out]);
        }
    }
    x_gradient[i] = narrow<T>(sum);
}

#define POOL(suffix, T)                                                                                                \
    extern "C" __global__ void average_pool_##suffix(const T* x, float* y, int pixels, int channels, i64 n) {          \
        average_pool<T>(x, y, pixels, channels, n);                                                                    \
    }                                                                                                                  \
    extern "C" __global__ void average_pool_backward_##suffix(const float* y_gradient, T* x_gradient, int pixels,      \
                                                              int channels, i64 n) {                                   \
        average_pool_backward<T>(y_gradient, x_gradient, pixels, channels, n);                                         \
    }                                                                                                                  \
    extern "C" __global__ void max_pool_##suffix(const T* x, T* y, unsigned short* winners, int height, int width,     \
                                                 int channels, int kernel, int stride, int padding, int out_height,    \
                                                 int out_width, i64 n) {                                               \
        Pool pool = {height, width, channels, kernel, stride, padding, out_height, out_width};                         \
        max_pool<T>(x, y, winners, pool, n);                                                                           \
    }                                                                                                                  \
    extern "C" __global__ void max_pool_backward_##suffix(const T* y_gradient, const unsigned short* winners,          \
                                                          T* x_gradient, int height, int width, int channels,          \
                                                          int kernel, int stride, int padding, int out_height,         \
                                                          int out_width, i64 n) {                                      \
        Pool pool = {height, width, channels, kernel, stride, padding, out_height, out_width};                         \
        max_pool_backward<T>(y_gradient, winners, x_gradient, pool, n);                                                \
    }
FOR_BOTH_TYPES(POOL)

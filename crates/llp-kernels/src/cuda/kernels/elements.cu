// One number in, one number out.

template <class T> __device__ void from_f32(const float* x, T* y, i64 n) {
    i64 i = thread_index();
    if (i < n) y[i] = narrow<T>(x[i]);
}

template <class T> __device__ void to_f32(const T* x, float* y, i64 n) {
    i64 i = thread_index();
    if (i < n) y[i] = widen(x[i]);
}

template <class T> __device__ void add(T* sum, const T* term, i64 n) {
    i64 i = thread_index();
    if (i < n) sum[i] = narrow<T>(widen(sum[i]) + widen(term[i]));
}

#define ELEMENTS(suffix, T)                                                                                            \
    extern "C" __global__ void from_f32_##suffix(const float* x, T* y, i64 n) { from_f32<T>(x, y, n); }                \
    extern "C" __global__ void to_f32_##suffix(const T* x, float* y, i64 n) { to_f32<T>(x, y, n); }                    \
    extern "C" __global__ void add_##suffix(T* sum, const T* term, i64 n) { add<T>(sum, term, n); }
FOR_BOTH_TYPES(ELEMENTS)

/// `max(0, x)`; what is no number stays so.
extern "C" __global__ void relu_f32(const float* x, float* y, i64 n) {
    i64 i = thread_index();
    if (i < n) y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

/// The gradient passes where the result is positive.
extern "C" __global__ void relu_backward_f32(const float* y, const float* y_gradient, float* x_gradient, i64 n) {
    i64 i = thread_index();
    if (i < n) x_gradient[i] = y[i] > 0.0f ? y_gradient[i] : 0.0f;
}

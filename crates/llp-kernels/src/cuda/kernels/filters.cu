// Filters between the layout of checkpoints, [out, in, height, width] in floats, and that of NHWC convolutions,
// [out, height, width, in] in the type of the activations. `taps` is height times width.

template <class T> __device__ void pack_filters(const float* from, T* to, int c_in, int taps, i64 n) {
    i64 i = thread_index();
    if (i >= n) return;
    i64 in = i % c_in, tap = i / c_in % taps, out = i / ((i64)c_in * taps);
    to[i] = narrow<T>(from[(out * c_in + in) * taps + tap]);
}

template <class T> __device__ void unpack_filters(const T* from, float* to, int c_in, int taps, i64 n) {
    i64 i = thread_index();
    if (i >= n) return;
    i64 in = i % c_in, tap = i / c_in % taps, out = i / ((i64)c_in * taps);
    to[(out * c_in + in) * taps + tap] = widen(from[i]);
}

#define FILTERS(suffix, T)                                                                                             \
    extern "C" __global__ void pack_filters_##suffix(const float* from, T* to, int c_in, int taps, i64 n) {            \
        pack_filters<T>(from, to, c_in, taps, n);                                                                      \
    }                                                                                                                  \
    extern "C" __global__ void unpack_filters_##suffix(const T* from, float* to, int c_in, int taps, i64 n) {          \
        unpack_filters<T>(from, to, c_in, taps, n);                                                                    \
    }
FOR_BOTH_TYPES(FILTERS)

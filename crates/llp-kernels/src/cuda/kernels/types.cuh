// What all kernels share: numbers of two types, vectors of channels, and sums over a block.
//
// No header of the toolkit is needed, so that nvrtc finds everything here, and a C++ compiler can build the same
// text for the tests (emulator/emulator.h).

typedef long long i64;

/// The upper half of a float.
struct bf16 {
    unsigned short bits;
};

__device__ inline float widen(float value) { return value; }
__device__ inline float widen(bf16 value) { return __uint_as_float((unsigned)value.bits << 16); }

template <class T> __device__ T narrow(float value);
template <> __device__ inline float narrow<float>(float value) { return value; }
/// Rounds to the nearest, ties to even; what is no number stays so.
template <> __device__ inline bf16 narrow<bf16>(float value) {
    unsigned bits = __float_as_uint(value);
    bf16 result;
    if (value != value) {
        result.bits = 0x7fc0;
    } else {
        result.bits = (unsigned short)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }
    return result;
}

/// `V` neighbours, which are loaded and stored at once.
template <class T, int V> struct alignas(sizeof(T) * V) Pack {
    T at[V];
};

template <class T, int V> __device__ Pack<T, V> load(const T* from) { return *(const Pack<T, V>*)from; }
template <class T, int V> __device__ void store(T* to, Pack<T, V> values) { *(Pack<T, V>*)to = values; }

/// No header gives nvrtc a name for it.
__device__ inline float infinity() { return __uint_as_float(0x7f800000u); }

/// Position of this thread among all of a one-dimensional grid.
__device__ inline i64 thread_index() { return (i64)blockIdx.x * blockDim.x + threadIdx.x; }

/// Every kernel for floats and for bf16: `X(suffix, type)`.
#define FOR_BOTH_TYPES(X) X(f32, float) X(bf16, bf16)
/// The same, for vectors of four channels and for single channels: `X(suffix, type, V)`.
#define FOR_BOTH_WIDTHS(X) X(f32_v4, float, 4) X(f32_v1, float, 1) X(bf16_v4, bf16, 4) X(bf16_v1, bf16, 1)

// Filters of all convolutions between the layout of checkpoints, [out, in, height, width] in floats, and that of NHWC
// convolutions, [out, height, width, in] in the type of the activations. gridDim.y is the number of convolutions; the
// blocks of a row share its numbers.

/// The filters of one convolution, `n` numbers that begin at `offset` among those of all; `taps` is height times width.
struct Filters {
    const float* weight;
    i64 offset, n;
    int c_in, taps;
};

/// The place in a weight of the number that is the i-th in the layout of convolutions.
__device__ inline i64 place_in_weight(const Filters& filters, i64 i) {
    i64 in = i % filters.c_in, tap = i / filters.c_in % filters.taps;
    i64 out = i / ((i64)filters.c_in * filters.taps);
    return (out * filters.c_in + in) * filters.taps + tap;
}

template <class T> __device__ void pack_filters(const Filters* table, T* packed) {
    Filters filters = table[blockIdx.y];
    for (i64 i = thread_index(); i < filters.n; i += (i64)gridDim.x * blockDim.x) {
        packed[filters.offset + i] = narrow<T>(filters.weight[place_in_weight(filters, i)]);
    }
}

/// The way back, for gradients, which have the offsets of the packed ones.
template <class T> __device__ void unpack_filters(const Filters* table, const T* packed, float* gradients) {
    Filters filters = table[blockIdx.y];
    for (i64 i = thread_index(); i < filters.n; i += (i64)gridDim.x * blockDim.x) {
        gradients[filters.offset + place_in_weight(filters, i)] = widen(packed[filters.offset + i]);
    }
}

#define FILTERS(suffix, T)                                                                                             \
    extern "C" __global__ void pack_filters_##suffix(const Filters* table, T* packed) {                                \
        pack_filters<T>(table, packed);                                                                                \
    }                                                                                                                  \
    extern "C" __global__ void unpack_filters_##suffix(const Filters* table, const T* packed, float* gradients) {      \
        unpack_filters<T>(table, packed, gradients);                                                                   \
    }
FOR_BOTH_TYPES(FILTERS)

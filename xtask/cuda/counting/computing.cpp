// The work behind `computing.h`. `build.sh` puts it behind the text of this project's kernels and their emulator
// (`crates/llp-kernels/src/cuda/emulator`), as one source.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "computing.h"

namespace {

// --- candle's kernels, as far as this project's tests meet them: each loops over all numbers at once.

template <class T> T argument(void** arguments, int index) { return *(T*)arguments[index]; }

/// The place of the i-th number of a tensor with these extents and strides; without them it is contiguous.
size_t place(size_t i, size_t n_extents, const size_t* extents, const size_t* strides) {
    if (!extents) return i;
    size_t at = 0;
    for (size_t d = n_extents; d-- > 0;) {
        at += i % extents[d] * strides[d];
        i /= extents[d];
    }
    return at;
}

using Arguments = void**;

template <class T, class U, class F> void map(Arguments a, F function) {
    size_t n = argument<size_t>(a, 0), n_extents = argument<size_t>(a, 1);
    const size_t* extents = argument<const size_t*>(a, 2);
    const T* x = argument<const T*>(a, 3);
    U* y = argument<U*>(a, 4);
    for (size_t i = 0; i < n; i++) y[i] = function(x[place(i, n_extents, extents, extents + n_extents)]);
}

template <class F> void combine(Arguments a, F function) {
    size_t n = argument<size_t>(a, 0), n_extents = argument<size_t>(a, 1);
    const size_t* extents = argument<const size_t*>(a, 2);
    const float *x = argument<const float*>(a, 3), *y = argument<const float*>(a, 4);
    float* result = argument<float*>(a, 5);
    for (size_t i = 0; i < n; i++) {
        size_t of_x = place(i, n_extents, extents, extents + n_extents);
        size_t of_y = place(i, n_extents, extents, extents + 2 * n_extents);
        result[i] = function(x[of_x], y[of_y]);
    }
}

/// Sums of `group` neighbours each.
void sum(Arguments a, size_t n_sums) {
    size_t group = argument<size_t>(a, 1), n_extents = argument<size_t>(a, 2);
    const size_t* extents = argument<const size_t*>(a, 3);
    const float* x = argument<const float*>(a, 4);
    float* y = argument<float*>(a, 5);
    for (size_t i = 0; i < n_sums; i++) {
        double total = 0.0;
        for (size_t j = 0; j < group; j++) total += x[place(i * group + j, n_extents, extents, extents + n_extents)];
        y[i] = (float)total;
    }
}

/// False if it is none of them.
bool of_candle(const std::string& name, const unsigned* grid, Arguments a) {
    if (name == "const_set_f32") {
        for (size_t i = 0, n = argument<size_t>(a, 0); i < n; i++) argument<float*>(a, 4)[i] = argument<float>(a, 3);
    } else if (name == "affine_f32") {
        float factor = argument<float>(a, 5), term = argument<float>(a, 6);
        map<float, float>(a, [=](float x) { return x * factor + term; });
    } else if (name == "ucopy_f32") {
        map<float, float>(a, [](float x) { return x; });
    } else if (name == "ucopy_bf16") {
        map<bf16, bf16>(a, [](bf16 x) { return x; });
    } else if (name == "usqr_f32") {
        map<float, float>(a, [](float x) { return x * x; });
    } else if (name == "cast_f32_bf16") {
        map<float, bf16>(a, [](float x) { return narrow<bf16>(x); });
    } else if (name == "cast_bf16_f32") {
        map<bf16, float>(a, [](bf16 x) { return widen(x); });
    } else if (name == "badd_f32") {
        combine(a, [](float x, float y) { return x + y; });
    } else if (name == "bsub_f32") {
        combine(a, [](float x, float y) { return x - y; });
    } else if (name == "bmul_f32") {
        combine(a, [](float x, float y) { return x * y; });
    } else if (name == "fast_sum_f32") {
        sum(a, grid[0]);
    } else if (name == "fast_sum_small_f32") {
        sum(a, argument<size_t>(a, 0));
    } else {
        return false;
    }
    return true;
}

// --- Convolutions, by their definition.

float get(const void* at, size_t i, int is_bf16) { return is_bf16 ? widen(((const bf16*)at)[i]) : ((const float*)at)[i]; }

void set(void* at, size_t i, int is_bf16, float value) {
    if (is_bf16) {
        ((bf16*)at)[i] = narrow<bf16>(value);
    } else {
        ((float*)at)[i] = value;
    }
}

} // namespace

void compute_kernel(const char* name, const unsigned* grid, const unsigned* block, void** arguments) {
    for (const emulator::Kernel& kernel : kernels()) {
        if (strcmp(kernel.name, name) != 0) continue;
        int end = emulator::launch(kernels(), name, grid, block, arguments, kernel.sizes.data(), kernel.sizes.size());
        if (end == 0) return;
        fprintf(stderr, "%s: some threads of a block do not wait for the others\n", name);
        abort();
    }
    if (of_candle(name, grid, arguments)) return;
    fprintf(stderr, "the kernel %s is not in computing.cpp\n", name);
    abort();
}

void compute_product(int transposes_a, int transposes_b, int m, int n, int k, float alpha, const float* a, int a_ld,
                     const float* b, int b_ld, float beta, float* c, int c_ld) {
    for (int column = 0; column < n; column++) {
        for (int row = 0; row < m; row++) {
            double total = 0.0;
            for (int i = 0; i < k; i++) {
                float left = transposes_a ? a[(size_t)row * a_ld + i] : a[(size_t)i * a_ld + row];
                float right = transposes_b ? b[(size_t)i * b_ld + column] : b[(size_t)column * b_ld + i];
                total += (double)left * right;
            }
            float& result = c[(size_t)column * c_ld + row];
            result = (float)(alpha * total + (beta == 0.0f ? 0.0f : beta * result));
        }
    }
}

void compute_convolution(enum Pass pass, int is_bf16, const int* x, const int* filters, const int* y, int padding,
                         int stride, float alpha, float beta, void* x_at, void* filters_at, void* y_at) {
    int images = x[0], c_in = x[1], height = x[2], width = x[3];
    int c_out = filters[0], kernel_height = filters[2], kernel_width = filters[3], out_height = y[2], out_width = y[3];
    const int* extents = pass == ConvolutionForward ? y : pass == ConvolutionBackwardData ? x : filters;
    void* result = pass == ConvolutionForward ? y_at : pass == ConvolutionBackwardData ? x_at : filters_at;
    std::vector<double> sums((size_t)extents[0] * extents[1] * extents[2] * extents[3]);
    for (int image = 0; image < images; image++) {
        for (int row = 0; row < out_height; row++) {
            for (int column = 0; column < out_width; column++) {
                for (int dy = 0; dy < kernel_height; dy++) {
                    for (int dx = 0; dx < kernel_width; dx++) {
                        int in_y = row * stride - padding + dy, in_x = column * stride - padding + dx;
                        if (in_y < 0 || in_y >= height || in_x < 0 || in_x >= width) continue;
                        for (int out = 0; out < c_out; out++) {
                            size_t of_y = (((size_t)image * out_height + row) * out_width + column) * c_out + out;
                            size_t of_x = (((size_t)image * height + in_y) * width + in_x) * c_in;
                            size_t of_filter = (((size_t)out * kernel_height + dy) * kernel_width + dx) * c_in;
                            for (int in = 0; in < c_in; in++) {
                                if (pass == ConvolutionForward) {
                                    sums[of_y] += (double)get(x_at, of_x + in, is_bf16) * get(filters_at, of_filter + in, is_bf16);
                                } else if (pass == ConvolutionBackwardData) {
                                    sums[of_x + in] += (double)get(y_at, of_y, is_bf16) * get(filters_at, of_filter + in, is_bf16);
                                } else {
                                    sums[of_filter + in] += (double)get(y_at, of_y, is_bf16) * get(x_at, of_x + in, is_bf16);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    for (size_t i = 0; i < sums.size(); i++) {
        float kept = beta == 0.0f ? 0.0f : beta * get(result, i, is_bf16);
        set(result, i, is_bf16, (float)(alpha * sums[i]) + kept);
    }
}

// What the stand-in for a GPU can compute, on one core: enough for tests, too slow for anything else.
#ifdef __cplusplus
extern "C" {
#endif

enum Pass { ConvolutionForward, ConvolutionBackwardData, ConvolutionBackwardFilter };

/// A kernel of this project, by the emulator, or one of candle's that this project's tests meet. Any other ends the process.
void compute_kernel(const char *name, const unsigned *grid, const unsigned *block, void **arguments);

/// `c = alpha a b + beta c` with columns of `ld` numbers one after the other, as cuBLAS has them.
void compute_product(int transposes_a, int transposes_b, int m, int n, int k, float alpha, const float *a, int a_ld,
                     const float *b, int b_ld, float beta, float *c, int c_ld);

/// A pass over images in NHWC, whose extents are given as n, c, h, w; filters are [out, height, width, in].
void compute_convolution(enum Pass pass, int is_bf16, const int *x, const int *filters, const int *y, int padding,
                         int stride, float alpha, float beta, void *x_at, void *filters_at, void *y_at);

#ifdef __cplusplus
}
#endif

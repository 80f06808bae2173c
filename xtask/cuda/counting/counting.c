// Plays the driver of a GPU, cuBLAS, cuRAND and cuDNN where there is none, and counts what a program asks of them: memory is
// the processor's and starts as zeros, copies copy, and kernels and library calls do nothing, unless LLP_CUDA_COMPUTE is set:
// then `computing.cpp` does their work, slowly. `build.sh` makes it.
//
// The counts are in the file that LLP_CUDA_COUNTS names, from its first byte: 64-bit numbers in the order of `Counts`,
// which another part of the same process may read at any time. At its end the process writes the launches of each kernel
// to FILE.kernels.
#include <cublas_v2.h>
#include <cuda.h>
#include <cudnn.h>
#include <curand.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "computing.h"

typedef struct {
    uint64_t launches, convolutions, products, to_device, to_host, on_device, fills, allocations, waits;
} Counts;

typedef struct Kernel {
    struct Kernel *next;
    uint64_t launches;
    char name[];
} Kernel;

static Counts in_memory, *counts = &in_memory;
#define COUNT(what) __atomic_fetch_add(&counts->what, 1, __ATOMIC_RELAXED)

// Held while something is computed, or a kernel is looked up: threads of a program may ask at once.
static pthread_mutex_t busy = PTHREAD_MUTEX_INITIALIZER;
static Kernel *kernels;
static int computes;

__attribute__((constructor)) static void begin(void) {
    computes = getenv("LLP_CUDA_COMPUTE") != NULL;
    const char *path = getenv("LLP_CUDA_COUNTS");
    if (!path) return;
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    void *mapped = MAP_FAILED;
    if (file >= 0 && ftruncate(file, sizeof(Counts)) == 0)
        mapped = mmap(NULL, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) {
        perror(path);
        exit(1);
    }
    close(file);
    counts = mapped;
}

__attribute__((destructor)) static void end(void) {
    const char *path = getenv("LLP_CUDA_COUNTS");
    if (!path) return;
    char name[4096];
    snprintf(name, sizeof name, "%s.kernels", path);
    FILE *file = fopen(name, "w");
    if (!file) return;
    for (Kernel *kernel = kernels; kernel; kernel = kernel->next)
        if (kernel->launches) fprintf(file, "%s %lu\n", kernel->name, kernel->launches);
    fclose(file);
}

static void *zeros(size_t bytes) { return calloc(1, bytes ? bytes : 1); }

// Handles are addresses that nothing reads.
static char handle;
#define HANDLE ((void *)&handle)

// --- The driver: one GPU, unless CUDA_VISIBLE_DEVICES is empty.

static int n_devices(void) {
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    return !(visible && !*visible);
}

CUresult cuInit(unsigned flags) { return CUDA_SUCCESS; }
// CUDA's runtime, which candle's other kernels are linked with, asks for these when a program starts, and does without.
CUresult cuGetExportTable(const void **table, const CUuuid *id) { return CUDA_ERROR_NO_DEVICE; }
CUresult cuGetProcAddress(const char *name, void **function, int version, cuuint64_t flags,
                          CUdriverProcAddressQueryResult *found) {
    return CUDA_ERROR_NOT_FOUND;
}
CUresult cuDriverGetVersion(int *version) { return *version = CUDA_VERSION, CUDA_SUCCESS; }
CUresult cuDeviceGetCount(int *count) { return *count = n_devices(), CUDA_SUCCESS; }
CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    *device = ordinal;
    return ordinal >= 0 && ordinal < n_devices() ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}
CUresult cuDeviceGetName(char *name, int room, CUdevice device) {
    return snprintf(name, room, "no GPU: calls are counted"), CUDA_SUCCESS;
}
CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device) { return memset(uuid, 0, sizeof *uuid), CUDA_SUCCESS; }
CUresult cuDeviceTotalMem(size_t *bytes, CUdevice device) { return *bytes = 1ull << 36, CUDA_SUCCESS; }
CUresult cuMemGetInfo(size_t *available, size_t *total) { return *available = *total = 1ull << 36, CUDA_SUCCESS; }
CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
    switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *value = 9; break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *value = 0; break;
    case CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED: *value = 1; break;
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK: *value = 1024; break;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: *value = 132; break;
    default: *value = 0;
    }
    return CUDA_SUCCESS;
}
CUresult cuDeviceGetDefaultMemPool(CUmemoryPool *pool, CUdevice device) { return *pool = HANDLE, CUDA_SUCCESS; }
CUresult cuMemPoolSetAttribute(CUmemoryPool pool, CUmemPool_attribute what, void *value) { return CUDA_SUCCESS; }
CUresult cuMemPoolTrimTo(CUmemoryPool pool, size_t keep) { return CUDA_SUCCESS; }
CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) { return *context = HANDLE, CUDA_SUCCESS; }
CUresult cuDevicePrimaryCtxRelease(CUdevice device) { return CUDA_SUCCESS; }
CUresult cuCtxGetCurrent(CUcontext *context) { return *context = HANDLE, CUDA_SUCCESS; }
CUresult cuCtxSetCurrent(CUcontext context) { return CUDA_SUCCESS; }
CUresult cuCtxSynchronize(void) { return COUNT(waits), CUDA_SUCCESS; }
CUresult cuStreamSynchronize(CUstream stream) { return COUNT(waits), CUDA_SUCCESS; }
CUresult cuStreamDestroy(CUstream stream) { return CUDA_SUCCESS; }
CUresult cuGetErrorName(CUresult error, const char **name) { return *name = "CUDA_ERROR_PLAYED", CUDA_SUCCESS; }
CUresult cuGetErrorString(CUresult error, const char **text) { return cuGetErrorName(error, text); }

CUresult cuMemAllocAsync(CUdeviceptr *memory, size_t bytes, CUstream stream) {
    COUNT(allocations);
    *memory = (CUdeviceptr)zeros(bytes);
    return *memory ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}
CUresult cuMemFreeAsync(CUdeviceptr memory, CUstream stream) { return free((void *)memory), CUDA_SUCCESS; }
CUresult cuMemsetD8Async(CUdeviceptr memory, unsigned char value, size_t n, CUstream stream) {
    COUNT(fills);
    memset((void *)memory, value, n);
    return CUDA_SUCCESS;
}
CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
    COUNT(to_device);
    memcpy((void *)to, from, bytes);
    return CUDA_SUCCESS;
}
// Into memory that is not pinned, the driver waits for the copy: every such copy is a wait as well.
CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
    COUNT(to_host), COUNT(waits);
    memcpy(to, (void *)from, bytes);
    return CUDA_SUCCESS;
}
CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
    COUNT(on_device);
    memcpy((void *)to, (void *)from, bytes);
    return CUDA_SUCCESS;
}

CUresult cuModuleLoadData(CUmodule *module, const void *image) { return *module = HANDLE, CUDA_SUCCESS; }
CUresult cuModuleUnload(CUmodule module) { return CUDA_SUCCESS; }
CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
    pthread_mutex_lock(&busy);
    Kernel *kernel = kernels;
    while (kernel && strcmp(kernel->name, name)) kernel = kernel->next;
    if (!kernel) {
        kernel = zeros(sizeof(Kernel) + strlen(name) + 1);
        strcpy(kernel->name, name);
        kernel->next = kernels, kernels = kernel;
    }
    pthread_mutex_unlock(&busy);
    *function = (CUfunction)kernel;
    return CUDA_SUCCESS;
}
CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                        unsigned block_y, unsigned block_z, unsigned shared_bytes, CUstream stream, void **arguments,
                        void **more) {
    Kernel *kernel = (Kernel *)function;
    COUNT(launches);
    __atomic_fetch_add(&kernel->launches, 1, __ATOMIC_RELAXED);
    if (computes) {
        unsigned grid[] = {grid_x, grid_y, grid_z}, block[] = {block_x, block_y, block_z};
        pthread_mutex_lock(&busy);
        compute_kernel(kernel->name, grid, block, arguments);
        pthread_mutex_unlock(&busy);
    }
    return CUDA_SUCCESS;
}

// --- cuBLAS and cuRAND.

cublasStatus_t cublasCreate(cublasHandle_t *made) { return *made = HANDLE, CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasDestroy(cublasHandle_t handle) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t on_a, cublasOperation_t on_b, int m,
                                          int n, int k, const void *alpha, const void *a, cudaDataType a_type, int a_ld,
                                          long long a_stride, const void *b, cudaDataType b_type, int b_ld,
                                          long long b_stride, const void *beta, void *c, cudaDataType c_type, int c_ld,
                                          long long c_stride, int n_products, cublasComputeType_t compute,
                                          cublasGemmAlgo_t algorithm) {
    COUNT(products);
    if (computes) {
        if (a_type != CUDA_R_32F || b_type != CUDA_R_32F || c_type != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
        for (int i = 0; i < n_products; i++)
            compute_product(on_a != CUBLAS_OP_N, on_b != CUBLAS_OP_N, m, n, k, *(const float *)alpha,
                            (const float *)a + i * a_stride, a_ld, (const float *)b + i * b_stride, b_ld,
                            *(const float *)beta, (float *)c + i * c_stride, c_ld);
    }
    return CUBLAS_STATUS_SUCCESS;
}

curandStatus_t curandCreateGenerator(curandGenerator_t *made, curandRngType_t type) {
    return *made = HANDLE, CURAND_STATUS_SUCCESS;
}
curandStatus_t curandDestroyGenerator(curandGenerator_t generator) { return CURAND_STATUS_SUCCESS; }
curandStatus_t curandSetStream(curandGenerator_t generator, cudaStream_t stream) { return CURAND_STATUS_SUCCESS; }
curandStatus_t curandSetPseudoRandomGeneratorSeed(curandGenerator_t generator, unsigned long long seed) {
    return CURAND_STATUS_SUCCESS;
}

// --- cuDNN: each convolution has one algorithm, which needs no workspace.

#define DONE return CUDNN_STATUS_SUCCESS

// What a descriptor was given: of a tensor n, c, h, w, of filters k, c, h, w, of a convolution padding and stride.
typedef struct {
    int is_bf16, extents[4];
} Description;

#define DESCRIPTOR(NAME, TYPE)                                                                                         \
    cudnnStatus_t cudnnCreate##NAME(TYPE *made) {                                                                      \
        *made = zeros(sizeof(Description));                                                                            \
        DONE;                                                                                                          \
    }                                                                                                                  \
    cudnnStatus_t cudnnDestroy##NAME(TYPE descriptor) {                                                                \
        free(descriptor);                                                                                              \
        DONE;                                                                                                          \
    }
DESCRIPTOR(, cudnnHandle_t)
DESCRIPTOR(TensorDescriptor, cudnnTensorDescriptor_t)
DESCRIPTOR(FilterDescriptor, cudnnFilterDescriptor_t)
DESCRIPTOR(ConvolutionDescriptor, cudnnConvolutionDescriptor_t)

static cudnnStatus_t describe(void *descriptor, cudnnDataType_t type, int a, int b, int c, int d) {
    *(Description *)descriptor = (Description){type == CUDNN_DATA_BFLOAT16, {a, b, c, d}};
    DONE;
}
size_t cudnnGetVersion(void) { return CUDNN_VERSION; }
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) { DONE; }
cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t descriptor, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
    return describe(descriptor, type, n, c, h, w);
}
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t descriptor, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
    return describe(descriptor, type, k, c, h, w);
}
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t descriptor, int pad_h, int pad_w,
                                              int stride_h, int stride_w, int dilation_h, int dilation_w,
                                              cudnnConvolutionMode_t mode, cudnnDataType_t type) {
    return describe(descriptor, type, pad_h, pad_w, stride_h, stride_w);
}
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t descriptor, cudnnMathType_t type) { DONE; }

static void convolve(enum Pass pass, const void *alpha, const void *convolution, const void *beta, const void *x, void *x_at,
                     const void *filters, void *filters_at, const void *y, void *y_at) {
    COUNT(convolutions);
    if (!computes) return;
    const Description *of_x = x, *of_filters = filters, *of_y = y, *of = convolution;
    compute_convolution(pass, of_x->is_bf16, of_x->extents, of_filters->extents, of_y->extents, of->extents[0],
                        of->extents[2], *(const float *)alpha, *(const float *)beta, x_at, filters_at, y_at);
}

// A pass of a convolution: how an algorithm is found, in both ways, and the pass itself. A, B and C describe the operands, C
// the result; the last three arguments say which of them are the images, the filters and the images of the other side.
#define CONVOLUTION(PASS, RUN, ALGORITHM, FIRST, PERF, A, B, C, X, F, Y)                                                        \
    cudnnStatus_t cudnnFind##PASS##Algorithm(cudnnHandle_t handle, const A a, const B b,                               \
                                             const cudnnConvolutionDescriptor_t convolution, const C c, const int room, \
                                             int *n, PERF *found) {                                                    \
        *n = 1;                                                                                                        \
        found[0] = (PERF){.algo = FIRST, .determinism = CUDNN_DETERMINISTIC, .mathType = CUDNN_FMA_MATH};              \
        DONE;                                                                                                          \
    }                                                                                                                  \
    cudnnStatus_t cudnnGet##PASS##Algorithm_v7(cudnnHandle_t handle, const A a, const B b,                             \
                                               const cudnnConvolutionDescriptor_t convolution, const C c,              \
                                               const int room, int *n, PERF *found) {                                  \
        return cudnnFind##PASS##Algorithm(handle, a, b, convolution, c, room, n, found);                               \
    }                                                                                                                  \
    cudnnStatus_t RUN(cudnnHandle_t handle, const void *alpha, const A a, const void *a_values, const B b,             \
                      const void *b_values, const cudnnConvolutionDescriptor_t convolution, ALGORITHM algorithm,       \
                      void *workspace, size_t bytes, const void *beta, const C c, void *c_values) {                    \
        convolve(PASS, alpha, convolution, beta, X, (void *)X##_values, F, (void *)F##_values, Y, (void *)Y##_values); \
        DONE;                                                                                                          \
    }
CONVOLUTION(ConvolutionForward, cudnnConvolutionForward, cudnnConvolutionFwdAlgo_t,
            CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, cudnnConvolutionFwdAlgoPerf_t, cudnnTensorDescriptor_t,
            cudnnFilterDescriptor_t, cudnnTensorDescriptor_t,
            a, b, c)
CONVOLUTION(ConvolutionBackwardData, cudnnConvolutionBackwardData, cudnnConvolutionBwdDataAlgo_t,
            CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, cudnnConvolutionBwdDataAlgoPerf_t, cudnnFilterDescriptor_t,
            cudnnTensorDescriptor_t, cudnnTensorDescriptor_t,
            c, a, b)
CONVOLUTION(ConvolutionBackwardFilter, cudnnConvolutionBackwardFilter, cudnnConvolutionBwdFilterAlgo_t,
            CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, cudnnConvolutionBwdFilterAlgoPerf_t, cudnnTensorDescriptor_t,
            cudnnTensorDescriptor_t, cudnnFilterDescriptor_t,
            a, c, b)

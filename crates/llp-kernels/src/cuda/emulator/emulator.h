// Runs CUDA kernels on the CPU, so that tests can compare them with their references where there is no GPU.
//
// Blocks run one after the other. The threads of a block are coroutines, which take turns: each runs until it waits for
// the others (__syncthreads) or ends. So a kernel that reads what another thread has not written yet gives other numbers
// than its reference, as it would on a GPU, and one in which only some threads wait is refused.
//
// Not emulated: warps and their shuffles, atomics, streams, and everything about time.
#include <cmath>
#include <cstring>
#include <cstdint>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <ucontext.h>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __launch_bounds__(n_threads)
#define __shared__ static // a block has its own, as blocks do not run at once

struct Place {
    unsigned x, y, z;
};
static Place threadIdx, blockIdx, blockDim, gridDim;

template <class A, class B> static auto min(A a, B b) -> std::common_type_t<A, B> { return b < a ? b : a; }
template <class A, class B> static auto max(A a, B b) -> std::common_type_t<A, B> { return a < b ? b : a; }
static inline unsigned __float_as_uint(float value) {
    unsigned bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}
static inline float __uint_as_float(unsigned bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

namespace emulator {

const size_t STACK_BYTES = 64 << 10;

struct Thread {
    ucontext_t context;
    std::vector<char> stack;
    Place index;
    bool has_ended;
};

static ucontext_t scheduler;
static Thread* current;
static void (*body)(void*);
static void* arguments;

static void wait() {
    Thread* self = current;
    swapcontext(&self->context, &scheduler);
    threadIdx = self->index;
}

static void begin() {
    body(arguments);
    current->has_ended = true;
    swapcontext(&current->context, &scheduler);
}

/// Runs the threads of a block; false if some ended while others waited.
static bool run_block(std::vector<Thread>& threads) {
    unsigned n = 0;
    for (Thread& thread : threads) {
        thread.index = {n % blockDim.x, n / blockDim.x % blockDim.y, n / (blockDim.x * blockDim.y)};
        n++;
        thread.has_ended = false;
        getcontext(&thread.context);
        thread.context.uc_stack.ss_sp = thread.stack.data();
        thread.context.uc_stack.ss_size = thread.stack.size();
        thread.context.uc_link = nullptr;
        makecontext(&thread.context, begin, 0);
    }
    for (;;) {
        size_t n_ended = 0;
        for (Thread& thread : threads) {
            current = &thread;
            threadIdx = thread.index;
            swapcontext(&scheduler, &thread.context);
            n_ended += thread.has_ended;
        }
        if (n_ended == threads.size()) return true;
        if (n_ended > 0) return false;
    }
}

template <class... A, size_t... I>
static void call(void (*kernel)(A...), void** pointers, std::index_sequence<I...>) {
    kernel(*(A*)pointers[I]...);
}

template <auto KERNEL> struct Entry;
template <class... A, void (*KERNEL)(A...)> struct Entry<KERNEL> {
    static void run(void* pointers) { call(KERNEL, (void**)pointers, std::index_sequence_for<A...>()); }
    /// Bytes of each argument.
    static std::vector<size_t> sizes() { return {sizeof(A)...}; }
};

struct Kernel {
    const char* name;
    void (*run)(void*);
    std::vector<size_t> sizes;
};

/// Launches a kernel; 0, or what is wrong: 1 no such kernel, 2 other arguments, 3 some threads did not wait.
static int launch(const std::vector<Kernel>& kernels, const char* name, const unsigned* grid, const unsigned* block,
                  void** pointers, const size_t* sizes, size_t n_arguments) {
    for (const Kernel& kernel : kernels) {
        if (strcmp(kernel.name, name) != 0) continue;
        if (kernel.sizes != std::vector<size_t>(sizes, sizes + n_arguments)) return 2;
        body = kernel.run;
        arguments = pointers;
        gridDim = {grid[0], grid[1], grid[2]};
        blockDim = {block[0], block[1], block[2]};
        std::vector<Thread> threads(block[0] * block[1] * block[2]);
        for (Thread& thread : threads) thread.stack.resize(STACK_BYTES);
        for (unsigned z = 0; z < grid[2]; z++) {
            for (unsigned y = 0; y < grid[1]; y++) {
                for (unsigned x = 0; x < grid[0]; x++) {
                    blockIdx = {x, y, z};
                    if (!run_block(threads)) return 3;
                }
            }
        }
        return 0;
    }
    return 1;
}

} // namespace emulator

#define __syncthreads() emulator::wait()

// Every kernel by its name, behind one function.

#define KERNEL(name) emulator::Kernel{#name, emulator::Entry<&name>::run, emulator::Entry<&name>::sizes()},
#define BOTH_TYPES(name) KERNEL(name##_f32) KERNEL(name##_bf16)
#define BOTH_WIDTHS(name) KERNEL(name##_f32_v4) KERNEL(name##_f32_v1) KERNEL(name##_bf16_v4) KERNEL(name##_bf16_v1)

static const std::vector<emulator::Kernel>& kernels() {
    static const std::vector<emulator::Kernel> table = {
        BOTH_TYPES(from_f32)
        BOTH_TYPES(to_f32)
        BOTH_TYPES(add)
        KERNEL(relu_f32)
        KERNEL(relu_backward_f32)
        BOTH_TYPES(pack_filters)
        BOTH_TYPES(unpack_filters)
        BOTH_WIDTHS(batch_norm_moments)
        KERNEL(batch_norm_finish)
        KERNEL(inverse_deviation)
        BOTH_WIDTHS(batch_norm_apply)
        BOTH_WIDTHS(batch_norm_sums)
        KERNEL(batch_norm_parameters)
        BOTH_WIDTHS(batch_norm_input_gradient)
        BOTH_TYPES(average_pool)
        BOTH_TYPES(average_pool_backward)
        BOTH_TYPES(max_pool)
        BOTH_TYPES(max_pool_backward)
        KERNEL(add_bias_f32)
        KERNEL(column_sums_f32)
        BOTH_TYPES(prepare_images)
        KERNEL(sgd_step)
        KERNEL(adamw_step)
        KERNEL(kl_loss)
        KERNEL(avg_kl_loss)
        KERNEL(rot_loss)
        KERNEL(scale_bags)
    };
    return table;
}

extern "C" int llp_launch(const char* name, const unsigned* grid, const unsigned* block, void** pointers,
                          const size_t* sizes, size_t n_arguments) {
    return emulator::launch(kernels(), name, grid, block, pointers, sizes, n_arguments);
}

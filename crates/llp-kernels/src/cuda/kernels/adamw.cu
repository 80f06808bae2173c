// Adam with decoupled weight decay, for all parameters at once.

/// One parameter: as many weights, moments and gradients as `n`. A step leaves `decay_factor` of a weight.
struct AdamWParameter {
    float* weight;
    float* first;
    float* second;
    const float* gradient;
    i64 n;
    float decay_factor;
    int unused;
};

/// `m = beta1 m + (1 - beta1) g`, `v = beta2 v + (1 - beta2) g^2`, then
/// `w = decay_factor w - rate m / (root_scale sqrt(v) + epsilon)`. gridDim.y is the number of parameters; the blocks of a row
/// share its numbers.
extern "C" __global__ void adamw_step(
    const AdamWParameter* parameters, float beta1, float beta2, float rate, float root_scale, float epsilon
) {
    AdamWParameter p = parameters[blockIdx.y];
    for (i64 i = thread_index(); i < p.n; i += (i64)gridDim.x * blockDim.x) {
        float g = p.gradient[i];
        float m = beta1 * p.first[i] + (1.0f - beta1) * g;
        float v = beta2 * p.second[i] + (1.0f - beta2) * (g * g);
        p.first[i] = m;
        p.second[i] = v;
        p.weight[i] = p.decay_factor * p.weight[i] - rate * m / (sqrtf(v) * root_scale + epsilon);
    }
}

// Stochastic gradient descent with momentum and weight decay, for all parameters at once.

/// One parameter: as many weights, velocities and gradients as `n`.
struct Parameter {
    float* weight;
    float* velocity;
    const float* gradient;
    i64 n;
    float weight_decay;
    int unused;
};

/// `v = momentum v + (gradient + weight_decay w)`, then `w -= lr v`. gridDim.y is the number of parameters; the blocks
/// of a row share its numbers.
extern "C" __global__ void sgd_step(const Parameter* parameters, float momentum, float lr) {
    Parameter p = parameters[blockIdx.y];
    for (i64 i = thread_index(); i < p.n; i += (i64)gridDim.x * blockDim.x) {
        float w = p.weight[i];
        float v = momentum * p.velocity[i] + (p.gradient[i] + p.weight_decay * w);
        p.velocity[i] = v;
        p.weight[i] = w - lr * v;
    }
}

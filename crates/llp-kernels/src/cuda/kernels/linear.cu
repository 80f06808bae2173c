// What a linear layer has beside its matrix product, in floats.

/// `values[row, column] += bias[column]`.
extern "C" __global__ void add_bias_f32(float* values, const float* bias, int columns, i64 n) {
    i64 i = thread_index();
    if (i < n) values[i] += bias[i % columns];
}

/// The sum of each column of `values`, [row, column]. A block of 256 threads has one column.
extern "C" __global__ void column_sums_f32(const float* values, float* sums, int rows, int columns) {
    __shared__ float parts[256];
    int t = threadIdx.x;
    float sum = 0.0f;
    for (int row = t; row < rows; row += 256) sum += values[(i64)row * columns + blockIdx.x];
    parts[t] = sum;
    __syncthreads();
    for (int half = 128; half > 0; half /= 2) {
        if (t < half) parts[t] += parts[t + half];
        __syncthreads();
    }
    if (t == 0) sums[blockIdx.x] = parts[0];
}

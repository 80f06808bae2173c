// From stored bytes to the values that a network sees: shifted, mirrored, normalized.

/// The position that comes to `position` when shifted by `by - shift`; beyond the edge, the pixel at the edge.
__device__ inline int unshifted(int position, int by, int shift, int len) {
    return min(max(position + shift - by, 0), len - 1);
}

/// `images` is [image, height, width, channel] in bytes, the result [instance, height, width, channel]. A change is
/// `down + 256 right + 65536 mirror`, shifts counted from the farthest to the top and left. A thread has one pixel.
template <class T>
__device__ void prepare_images(const unsigned char* images, const unsigned* instances, const unsigned* changes,
                               const float* scale, const float* offset, T* result, int height, int width, int channels,
                               int shift, i64 n_pixels) {
    i64 i = thread_index();
    if (i >= n_pixels) return;
    int x = i % width, y = i / width % height;
    i64 instance = i / ((i64)width * height);
    unsigned change = changes[instance];
    int down = change & 255, right = change >> 8 & 255;
    if (change >> 16 & 1) x = width - 1 - x;
    i64 row = (i64)instances[instance] * height + unshifted(y, down, shift, height);
    const unsigned char* from = images + (row * width + unshifted(x, right, shift, width)) * channels;
    for (int c = 0; c < channels; c++) result[i * channels + c] = narrow<T>((float)from[c] * scale[c] + offset[c]);
}

#define IMAGES(suffix, T)                                                                                              \
    extern "C" __global__ void prepare_images_##suffix(                                                                \
        const unsigned char* images, const unsigned* instances, const unsigned* changes, const float* scale,           \
        const float* offset, T* result, int height, int width, int channels, int shift, i64 n_pixels) {                \
        prepare_images<T>(images, instances, changes, scale, offset, result, height, width, channels, shift,           \
                          n_pixels);                                                                                   \
    }
FOR_BOTH_TYPES(IMAGES)

// The kernels of this folder for a card, in f32. Every sum runs in one fixed order, so the same card gives the same bits.
//
// Tables are row-major. Sums over rows come in two steps: so many `parts` of the rows are added apart, then the parts.

// ---- sums ----

// Over the 32 threads of a warp, the same to each.
static __device__ __forceinline__ float over_warp(float x) {
    for (int step = 16; step > 0; step >>= 1) x += __shfl_xor_sync(0xffffffffu, x, step);
    return x;
}

// Over a block of whole warps, the same to each thread.
static __device__ float over_block(float x) {
    __shared__ float warps[32];
    x = over_warp(x);
    __syncthreads(); // the sum before may still be read
    if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = x;
    __syncthreads();
    float sum = 0;
    for (int warp = 0; warp < blockDim.x / 32; warp++) sum += warps[warp];
    return sum;
}

// Adds eight threads of a column in their order; blocks are 32 columns by 8.
static __device__ float over_column(float x) {
    __shared__ float all[8][33];
    __syncthreads();
    all[threadIdx.y][threadIdx.x] = x;
    __syncthreads();
    float sum = 0;
    for (int y = 0; y < 8; y++) sum += all[y][threadIdx.x];
    return sum;
}

// out (count) from parts (parts, count).
extern "C" __global__ void add_parts(const float *parts, float *out, size_t count, size_t parts_count) {
    size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i >= count) return;
    float sum = 0;
    for (size_t part = 0; part < parts_count; part++) sum += parts[part * count + i];
    out[i] = sum;
}

// parts (grid y, width) of a table (rows, width).
extern "C" __global__ void column_sums(const float *table, float *parts, size_t rows, size_t width) {
    size_t column = blockIdx.x * 32 + threadIdx.x;
    float sum = 0;
    if (column < width)
        for (size_t row = blockIdx.y * 8 + threadIdx.y; row < rows; row += gridDim.y * 8) sum += table[row * width + column];
    sum = over_column(sum);
    if (threadIdx.y == 0 && column < width) parts[blockIdx.y * width + column] = sum;
}

// parts (grid x) of the sum of squares.
extern "C" __global__ void square_sums(const float *numbers, float *parts, size_t count) {
    float sum = 0;
    for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < count; i += gridDim.x * (size_t)blockDim.x)
        sum += numbers[i] * numbers[i];
    sum = over_block(sum);
    if (threadIdx.x == 0) parts[blockIdx.x] = sum;
}

// ---- number by number ----

extern "C" __global__ void add_bias(float *table, const float *bias, size_t count, size_t width) {
    size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i < count) table[i] += bias[i % width];
}

static __device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

// The unit's value and slope.
static __device__ __forceinline__ void gelu_of(float x, int exact, float *value, float *slope) {
    if (exact) {
        float below = normcdff(x);
        *value = x * below;
        *slope = below + x * 0.3989422804f * expf(-0.5f * x * x);
    } else {
        const float cube = 0.044715f, scale = 1.5957691216f;
        float s = sigmoid(x * (1.0f + cube * x * x) * scale);
        *value = x * s;
        *slope = s + x * s * (1.0f - s) * scale * (1.0f + 3.0f * cube * x * x);
    }
}

extern "C" __global__ void gelu(const float *x, float *y, size_t count, int exact) {
    size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i >= count) return;
    float value, slope;
    gelu_of(x[i], exact, &value, &slope);
    y[i] = value;
}

extern "C" __global__ void gelu_backward(const float *x, const float *gradient, float *out, size_t count, int exact) {
    size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i >= count) return;
    float value, slope;
    gelu_of(x[i], exact, &value, &slope);
    out[i] = gradient[i] * slope;
}

// ---- AdamW ----

// moments (2, count): running means of the gradient and of its square.
extern "C" __global__ void adamw_moments(
    float *moments, const float *gradient, size_t count, float scale, float first, float rest_first, float second, float rest_second) {
    size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i >= count) return;
    float g = gradient[i] * scale;
    moments[i] = first * moments[i] + rest_first * g;
    moments[count + i] = second * moments[count + i] + rest_second * g * g;
}

extern "C" __global__ void adamw_move(float *weights, const float *moments, size_t count, float rate, float keep, float square_scale, float eps) {
    size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i >= count) return;
    weights[i] = weights[i] * keep - rate * moments[i] / (sqrtf(moments[count + i] * square_scale) + eps);
}

// ---- norms: a block of 128 threads for each row ----

// The mean, zero where rows are not centred, and the inverse deviation of a row.
static __device__ void moments_of(const float *row, size_t width, float epsilon, int centred, float *mean, float *inverse) {
    float sum = 0;
    if (centred) {
        for (size_t i = threadIdx.x; i < width; i += blockDim.x) sum += row[i];
        sum = over_block(sum) / width;
    }
    float square = 0;
    for (size_t i = threadIdx.x; i < width; i += blockDim.x) square += (row[i] - sum) * (row[i] - sum);
    *mean = sum;
    *inverse = 1.0f / sqrtf(over_block(square) / width + epsilon);
}

// Layer norm where centred; without a bias and not centred, the norm by the root mean square.
extern "C" __global__ void normalise(const float *x, const float *weight, const float *bias, float *y, size_t width, float epsilon, int centred) {
    const float *row = x + blockIdx.x * width;
    float mean, inverse;
    moments_of(row, width, epsilon, centred, &mean, &inverse);
    for (size_t i = threadIdx.x; i < width; i += blockDim.x)
        y[blockIdx.x * width + i] = (row[i] - mean) * inverse * weight[i] + (centred ? bias[i] : 0.0f);
}

// The gradient of x; moments (rows, 2) for the gradients of weight and bias.
extern "C" __global__ void norm_rows(
    const float *x, const float *weight, const float *gradient, float *of_x, float *moments, size_t width, float epsilon, int centred) {
    size_t start = blockIdx.x * width;
    float mean, inverse;
    moments_of(x + start, width, epsilon, centred, &mean, &inverse);
    float plain = 0, along = 0;
    for (size_t i = threadIdx.x; i < width; i += blockDim.x) {
        float scaled = gradient[start + i] * weight[i];
        plain += scaled;
        along += scaled * (x[start + i] - mean) * inverse;
    }
    plain = centred ? over_block(plain) / width : 0.0f;
    along = over_block(along) / width;
    for (size_t i = threadIdx.x; i < width; i += blockDim.x) {
        float normed = (x[start + i] - mean) * inverse;
        of_x[start + i] = (gradient[start + i] * weight[i] - plain - normed * along) * inverse;
    }
    if (threadIdx.x == 0) {
        moments[2 * blockIdx.x] = mean;
        moments[2 * blockIdx.x + 1] = inverse;
    }
}

// parts (grid y, width) of the gradient of weight; where centred (grid y, 2·width), that of bias after it.
extern "C" __global__ void norm_columns(
    const float *x, const float *gradient, const float *moments, float *parts, size_t rows, size_t width, int centred) {
    size_t column = blockIdx.x * 32 + threadIdx.x;
    float of_weight = 0, of_bias = 0;
    if (column < width)
        for (size_t row = blockIdx.y * 8 + threadIdx.y; row < rows; row += gridDim.y * 8) {
            float g = gradient[row * width + column];
            of_weight += g * (x[row * width + column] - moments[2 * row]) * moments[2 * row + 1];
            of_bias += g;
        }
    of_weight = over_column(of_weight);
    of_bias = over_column(of_bias);
    if (threadIdx.y == 0 && column < width) {
        float *part = parts + blockIdx.y * width * (centred ? 2 : 1);
        part[column] = of_weight;
        if (centred) part[width + column] = of_bias;
    }
}

// ---- attention's softmax: a warp for each row of scores (rows, known), `asked` rows to a head ----

extern "C" __global__ void causal_softmax(const float *scores, float *y, size_t rows, size_t asked, size_t known, float scale) {
    size_t row = blockIdx.x * (size_t)(blockDim.x / 32) + threadIdx.x / 32;
    if (row >= rows) return;
    const float *from = scores + row * known;
    float *to = y + row * known;
    size_t seen = known - asked + row % asked + 1;
    float largest = -INFINITY;
    for (size_t j = threadIdx.x % 32; j < seen; j += 32) largest = fmaxf(largest, from[j]);
    for (int step = 16; step > 0; step >>= 1) largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, step));
    float sum = 0;
    for (size_t j = threadIdx.x % 32; j < seen; j += 32) sum += expf((from[j] - largest) * scale);
    sum = 1.0f / over_warp(sum);
    for (size_t j = threadIdx.x % 32; j < known; j += 32) to[j] = j < seen ? expf((from[j] - largest) * scale) * sum : 0.0f;
}

extern "C" __global__ void softmax_backward(const float *y, const float *gradient, float *out, size_t rows, size_t known, float scale) {
    size_t row = blockIdx.x * (size_t)(blockDim.x / 32) + threadIdx.x / 32;
    if (row >= rows) return;
    size_t start = row * known;
    float along = 0;
    for (size_t j = threadIdx.x % 32; j < known; j += 32) along += y[start + j] * gradient[start + j];
    along = over_warp(along);
    for (size_t j = threadIdx.x % 32; j < known; j += 32) out[start + j] = scale * y[start + j] * (gradient[start + j] - along);
}

// ---- the causal convolution: a thread for each number of x (batch, length, channels) ----

extern "C" __global__ void convolution(
    const float *x, const float *weight, const float *bias, float *y, size_t count, size_t length, size_t taps, size_t channels) {
    size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i >= count) return;
    size_t channel = i % channels, t = i / channels % length;
    float sum = bias[channel];
    for (size_t tap = t + 1 < taps ? taps - t - 1 : 0; tap < taps; tap++)
        sum += weight[tap * channels + channel] * x[i - (taps - 1 - tap) * channels];
    y[i] = sum * sigmoid(sum);
}

// Of a table (taps + 1, channels), the bias last. First the gradient of the sums, then that of x from them.
extern "C" __global__ void convolution_slopes(
    const float *x, const float *table, const float *gradient, float *of_sums, size_t count, size_t length, size_t taps, size_t channels) {
    size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i >= count) return;
    size_t channel = i % channels, t = i / channels % length;
    float sum = table[taps * channels + channel];
    for (size_t tap = t + 1 < taps ? taps - t - 1 : 0; tap < taps; tap++)
        sum += table[tap * channels + channel] * x[i - (taps - 1 - tap) * channels];
    float s = sigmoid(sum);
    of_sums[i] = gradient[i] * (s + sum * s * (1.0f - s));
}

extern "C" __global__ void convolution_back(
    const float *table, const float *of_sums, float *of_x, size_t count, size_t length, size_t taps, size_t channels) {
    size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i >= count) return;
    size_t channel = i % channels, t = i / channels % length;
    float sum = 0;
    for (size_t later = 0; later < taps && t + later < length; later++)
        sum += table[(taps - 1 - later) * channels + channel] * of_sums[i + later * channels];
    of_x[i] = sum;
}

// parts (grid y, taps + 1, channels) of the gradient of the table.
extern "C" __global__ void convolution_columns(
    const float *x, const float *of_sums, float *parts, size_t rows, size_t length, size_t taps, size_t channels) {
    size_t channel = blockIdx.x * 32 + threadIdx.x;
    for (size_t tap = 0; tap <= taps; tap++) {
        size_t before = tap < taps ? taps - 1 - tap : 0;
        float sum = 0;
        if (channel < channels)
            for (size_t row = blockIdx.y * 8 + threadIdx.y; row < rows; row += gridDim.y * 8) {
                float g = of_sums[row * channels + channel];
                if (tap == taps) sum += g;
                else if (row % length >= before) sum += g * x[(row - before) * channels + channel];
            }
        sum = over_column(sum);
        if (threadIdx.y == 0 && channel < channels) parts[(blockIdx.y * (taps + 1) + tap) * channels + channel] = sum;
    }
}

// ---- the selective scan: a thread for each channel of a sequence, warps of 32 channels ----

// The most states of a channel, as `mod.rs` has it; they stay in registers.
#define STATES 16

static __device__ __forceinline__ float softplus(float x) { return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x))); }

// data (batch, length, row), gate (batch, keep, inner), weights (inner, state + 2); y (batch, keep, inner) and the states
// at the end (batch, state, inner), which begin as `before` where there are some.
extern "C" __global__ void scan(
    const float *data, const float *gate, const float *weights, const float *before, int has_before, float *y, float *after,
    size_t length, size_t keep, size_t inner, size_t row, int state) {
    size_t c = blockIdx.x * (size_t)blockDim.x + threadIdx.x, b = blockIdx.y;
    if (c >= inner) return;
    const float *own = weights + c * (state + 2);
    float h[STATES], rate[STATES], skip = own[state], bias = own[state + 1];
#pragma unroll
    for (int n = 0; n < STATES; n++) {
        rate[n] = n < state ? -expf(own[n]) : 0.0f;
        h[n] = has_before && n < state ? before[(b * state + n) * inner + c] : 0.0f;
    }
    for (size_t t = 0; t < length; t++) {
        const float *at = data + (b * length + t) * row, *entering = at + row - 2 * state, *reading = at + row - state;
        float x = at[c], step = softplus(at[inner + c] + bias), v = skip * x;
#pragma unroll
        for (int n = 0; n < STATES; n++)
            if (n < state) {
                h[n] = expf(step * rate[n]) * h[n] + step * x * entering[n];
                v += reading[n] * h[n];
            }
        if (t + keep >= length) {
            size_t place = (b * keep + t + keep - length) * inner + c;
            y[place] = v * gate[place] * sigmoid(gate[place]);
        }
    }
#pragma unroll
    for (int n = 0; n < STATES; n++)
        if (n < state) after[(b * state + n) * inner + c] = h[n];
}

// Gradients, from that of y: of x and r into of_data, of the gate, and what remains to be added up: `shared` (batch,
// length, warps, 2·state) of B and C over channels, `weights_parts` (batch, inner, state + 2) over sequences.
// `states` (batch, length, state, inner) is room for the states.
extern "C" __global__ void scan_backward(
    const float *data, const float *gate, const float *weights, const float *gradient, float *states, float *of_data, float *of_gate,
    float *shared, float *weights_parts, size_t length, size_t keep, size_t inner, size_t row, int state) {
    size_t c = blockIdx.x * (size_t)blockDim.x + threadIdx.x, b = blockIdx.y;
    bool real = c < inner; // the others help to add
    const float *own = weights + (real ? c : 0) * (state + 2);
    float h[STATES], rate[STATES], of_rate[STATES], of_h[STATES], skip = own[state], bias = own[state + 1];
#pragma unroll
    for (int n = 0; n < STATES; n++) {
        rate[n] = n < state ? -expf(own[n]) : 0.0f;
        h[n] = of_rate[n] = of_h[n] = 0;
    }
    if (real)
        for (size_t t = 0; t < length; t++) {
            const float *at = data + (b * length + t) * row, *entering = at + row - 2 * state;
            float x = at[c], step = softplus(at[inner + c] + bias);
#pragma unroll
            for (int n = 0; n < STATES; n++)
                if (n < state) {
                    h[n] = expf(step * rate[n]) * h[n] + step * x * entering[n];
                    states[((b * length + t) * state + n) * inner + c] = h[n];
                }
        }
    size_t warps = gridDim.x * (size_t)(blockDim.x / 32), warp = c / 32;
    float of_skip = 0, of_bias = 0;
    for (size_t back = 0; back < length; back++) {
        size_t t = length - 1 - back;
        const float *at = data + (b * length + t) * row, *entering = at + row - 2 * state, *reading = at + row - state;
        float x = real ? at[c] : 0.0f, raw = real ? at[inner + c] + bias : 0.0f, step = softplus(raw);
        float of_x = 0, of_step = 0, of_v = 0;
        if (t + keep >= length && real) {
            size_t place = (b * keep + t + keep - length) * inner + c;
            float z = gate[place], s = sigmoid(z), v = skip * x;
#pragma unroll
            for (int n = 0; n < STATES; n++)
                if (n < state) v += reading[n] * h[n];
            of_gate[place] = gradient[place] * v * (s + z * s * (1.0f - s));
            of_v = gradient[place] * z * s;
            of_skip += of_v * x;
            of_x = of_v * skip;
        }
        float *sums = shared + ((b * length + t) * warps + warp) * 2 * state;
#pragma unroll
        for (int n = 0; n < STATES; n++)
            if (n < state) {
                of_h[n] += of_v * reading[n];
                float of_reading = over_warp(of_v * h[n]), of_entering = over_warp(of_h[n] * step * x);
                if (c % 32 == 0) {
                    sums[n] = of_entering;
                    sums[state + n] = of_reading;
                }
                float before = t > 0 && real ? states[((b * length + t - 1) * state + n) * inner + c] : 0.0f;
                float decay = expf(step * rate[n]);
                of_step += of_h[n] * (rate[n] * decay * before + entering[n] * x);
                of_x += of_h[n] * step * entering[n];
                of_rate[n] += of_h[n] * step * decay * before;
                of_h[n] *= decay;
                h[n] = before;
            }
        if (real) {
            float *to = of_data + (b * length + t) * row;
            float of_raw = of_step * sigmoid(raw);
            to[c] = of_x;
            to[inner + c] = of_raw;
            of_bias += of_raw;
        }
    }
    if (real) {
        float *to = weights_parts + (b * inner + c) * (state + 2);
#pragma unroll
        for (int n = 0; n < STATES; n++)
            if (n < state) to[n] = of_rate[n] * rate[n];
        to[state] = of_skip;
        to[state + 1] = of_bias;
    }
}

// The gradients of B and C of every position into of_data (positions, row), from shared (positions, warps, 2·state).
extern "C" __global__ void scan_shared(const float *shared, float *of_data, size_t positions, size_t warps, size_t row, int state) {
    size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x, columns = 2 * (size_t)state;
    if (i >= positions * columns) return;
    size_t position = i / columns, column = i % columns;
    float sum = 0;
    for (size_t warp = 0; warp < warps; warp++) sum += shared[(position * warps + warp) * columns + column];
    of_data[position * row + row - columns + column] = sum;
}

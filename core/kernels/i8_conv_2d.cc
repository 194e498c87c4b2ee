#include "core/kernels/i8_conv_2d.h"

#include "core/kernels/i8_conv_parts.h"
#include "core/kernels/simd.h"

namespace zeolite {
namespace {

int64_t pixel_count(const Conv2DShape& shape) {
  return int64_t{shape.batch} * shape.output_height * shape.output_width;
}

int64_t reach(int32_t output, int32_t stride, int32_t filter, int32_t dilation) {
  return int64_t{std::max(output, 1) - 1} * stride + int64_t{filter - 1} * dilation + 1;
}

// Padding may be far larger than the input (a huge dilation): then it is not written out.
bool fits_padded(const Conv2DShape& shape, int64_t height, int64_t width) {
  const int64_t pixels = int64_t{shape.input_height} * shape.input_width;
  return height <= (int64_t{1} << 20) && width <= (int64_t{1} << 20) &&
         height * width <= 4 * pixels + 1024;
}

uint64_t table_bytes(const I8Conv2DPlan& plan) {
  return align_up(TileSplit::kMaxBlockRows * (plan.table_taps * sizeof(const int16_t*)));
}

int64_t element_bytes(const I8Conv2DPlan& plan) { return plan.form.quads ? 1 : sizeof(int16_t); }

// Runs this short are gathered into rows: each begins a loop of its own else, and fills whole
// groups.
constexpr int64_t kLongestGathered = 24;

// A gathered row, with what may be written and read behind it.
uint64_t gathered_bytes(const I8Conv2DPlan& plan) {
  return plan.is_gathered ? (plan.form.k * element_bytes(plan) + 31) & ~uint64_t{15} : 0;
}

uint64_t own_bytes(const I8Conv2DPlan& plan) {
  return table_bytes(plan) +
         align_up(TileSplit::kMaxBlockRows * (sizeof(PanelRow) + gathered_bytes(plan)));
}

// Rows up to the end of the last tile.
int64_t whole_tiles(const I8Conv2DPlan& plan, int64_t rows) {
  const int64_t tile_rows = plan.form.tile_rows();
  return (rows + tile_rows - 1) / tile_rows * tile_rows;
}

// Pointers for the pixels [first, first + count), in the order of i8_panel.
void fill_table(const I8Conv2DPlan& plan, const int16_t* images, int64_t first, int64_t count,
                const uint8_t** table) {
  const Conv2DShape& shape = plan.shape;
  const Window2D& w = shape.window;
  const bool by_row = plan.algorithm == I8ConvAlgorithm::kRows;
  const int64_t taps = plan.table_taps;
  const int64_t tile_rows = plan.form.tile_rows();
  const int64_t pixel_bytes = shape.input_channels * element_bytes(plan);
  const int64_t row_bytes = plan.padded_width * pixel_bytes;
  const auto* const whole = reinterpret_cast<const uint8_t*>(images);
  const uint8_t* const zeros = whole + i8_image_elements(plan) * element_bytes(plan);
  int64_t ox = first % shape.output_width;
  int64_t oy = first / shape.output_width % shape.output_height;
  int64_t image = first / shape.output_width / shape.output_height;
  const int64_t padded = whole_tiles(plan, count);
  const uint8_t** tile = table;
  int64_t row = 0;
  for (int64_t pixel = 0; pixel < padded; ++pixel) {
    const uint8_t** target = tile + row;
    if (++row == tile_rows) {
      row = 0;
      tile += taps * tile_rows;
    }
    const uint8_t* const source = whole + image * plan.padded_height * row_bytes;
    if (by_row) {
      const uint8_t* run =
          source + oy * w.stride_height * row_bytes + ox * w.stride_width * pixel_bytes;
      for (int64_t tap = 0; tap < taps; ++tap, target += tile_rows) {
        *target = run;
        run += w.dilation_height * row_bytes;
      }
    } else {
      for (int64_t ky = 0; ky < w.kernel_height; ++ky) {
        const int64_t y = oy * w.stride_height - w.pad_top + ky * w.dilation_height;
        for (int64_t kx = 0; kx < w.kernel_width; ++kx, target += tile_rows) {
          const int64_t x = ox * w.stride_width - w.pad_left + kx * w.dilation_width;
          const bool inside = y >= 0 && y < shape.input_height && x >= 0 && x < shape.input_width;
          *target = inside ? source + y * row_bytes + x * pixel_bytes : zeros;
        }
      }
    }
    // Behind the last pixel it is repeated.
    if (pixel + 1 >= count) continue;
    if (++ox == shape.output_width) {
      ox = 0;
      if (++oy == shape.output_height) {
        oy = 0;
        ++image;
      }
    }
  }
}

// Copies the runs of each pixel behind each other, and makes the table one of such rows: an entry
// takes the place of one that has been read.
void gather(const I8Conv2DPlan& plan, int64_t count, uint8_t* rows, const uint8_t** table) {
  const int64_t taps = plan.table_taps;
  const int64_t run = plan.form.k / taps * element_bytes(plan);
  const uint64_t stride = gathered_bytes(plan);
  const int64_t tile_rows = plan.form.tile_rows();
  for (int64_t pixel = 0; pixel < whole_tiles(plan, count); ++pixel, rows += stride) {
    const uint8_t* const* runs =
        table + pixel / tile_rows * taps * tile_rows + pixel % tile_rows;
    uint8_t* to = rows;
    for (int64_t tap = 0; tap < taps; ++tap, to += run, runs += tile_rows) {
      const uint8_t* const from = *runs;
      for (int64_t i = 0; i < run; i += 16) wasm_v128_store(to + i, wasm_v128_load(from + i));
    }
    table[pixel] = rows;
  }
}

}  // namespace

int64_t i8_image_elements(const I8Conv2DPlan& plan) {
  return plan.shape.batch * plan.padded_height * plan.padded_width * plan.shape.input_channels;
}

// The images, and behind them zeros for a pixel outside and what may be read with the last.
uint64_t i8_images_bytes(const I8Conv2DPlan& plan) {
  return align_up(
      static_cast<uint64_t>(i8_image_elements(plan) + plan.shape.input_channels + 32) *
      (plan.form.quads ? sizeof(uint8_t) : sizeof(int16_t)));
}

uint64_t i8_scales_bytes(const I8Conv2DPlan& plan) {
  return plan.activations.type == ActivationType::kFloat32
             ? align_up(static_cast<uint64_t>(plan.shape.batch) * sizeof(BatchScale))
             : 0;
}

namespace {

// The images with padding(image) around them, and a pixel of the first's behind them; write(from,
// image, count, target) writes `count` elements of the input from `from` on.
template <class T, class Padding, class Write>
void write_images(const I8Conv2DPlan& plan, const Padding& padding_of, T* images,
                  ThreadPool* pool, const Write& write) {
  const Conv2DShape& shape = plan.shape;
  const int64_t channels = shape.input_channels;
  const int64_t input_row = shape.input_width * channels;
  const int64_t input_image = shape.input_height * input_row;
  const bool is_padded = plan.algorithm != I8ConvAlgorithm::kTaps;
  const int64_t top = is_padded ? shape.window.pad_top : 0;
  const int64_t left = is_padded ? std::min<int64_t>(shape.window.pad_left, plan.padded_width) : 0;
  const int64_t copied = std::min<int64_t>(shape.input_width, plan.padded_width - left);
  const int64_t row_elements = plan.padded_width * channels;
  const EvenSplit split(shape.batch * plan.padded_height, 8, row_elements, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    for (int64_t row = split.begin(task); row < split.end(task); ++row) {
      const int64_t image = row / plan.padded_height;
      const int64_t y = row % plan.padded_height - top;
      T* const target = images + row * row_elements;
      const T padding = padding_of(image);
      if (y < 0 || y >= shape.input_height) {
        std::fill_n(target, row_elements, padding);
        continue;
      }
      std::fill_n(target, left * channels, padding);
      write(image * input_image + y * input_row, image, copied * channels,
            target + left * channels);
      std::fill(target + (left + copied) * channels, target + row_elements, padding);
    }
  });
  std::fill_n(images + i8_image_elements(plan), channels + 8, T(padding_of(0)));
}

}  // namespace

void i8_widen_images(const I8Conv2DPlan& plan, const void* input, int16_t* images,
                     BatchScale* scales, ThreadPool* pool) {
  const Conv2DShape& shape = plan.shape;
  const int64_t channels = shape.input_channels;
  const int64_t input_row = shape.input_width * channels;
  const int64_t input_image = shape.input_height * input_row;
  if (plan.activations.type == ActivationType::kFloat32) {
    const EvenSplit split(shape.batch, 1, input_image, pool);
    parallel_for(split.pool, split.tasks(), [&](int64_t task) {
      for (int64_t b = split.begin(task); b < split.end(task); ++b) {
        scales[b] = batch_scale_of(static_cast<const float*>(input) + b * input_image,
                                   input_image, plan.activations.asymmetric);
      }
    });
  }
  if (plan.form.quads) {
    const auto padding = [&](int64_t image) {
      return static_cast<uint8_t>(scales != nullptr ? scales[image].zero_point + 128
                                                    : plan.form.offset);
    };
    write_images(plan, padding, reinterpret_cast<uint8_t*>(images), pool,
                 [&](int64_t from, int64_t image, int64_t count, uint8_t* target) {
                   if (scales != nullptr) {
                     quantize_activations(scales[image], static_cast<const float*>(input) + from,
                                          count, target);
                   } else {
                     flip_activations(plan.activations,
                                      static_cast<const uint8_t*>(input) + from, count, target);
                   }
                 });
    return;
  }
  write_images(plan, [](int64_t) { return int16_t{0}; }, images, pool,
               [&](int64_t from, int64_t image, int64_t count, int16_t* target) {
                 widen_activations(
                     plan.activations, scales != nullptr ? scales[image] : BatchScale(),
                     static_cast<const uint8_t*>(input) + from * plan.activations.element_bytes(),
                     count, target);
               });
}

I8Conv2DPlan i8_conv_2d_plan(const Conv2DShape& shape, const ActivationForm& activations,
                             const SumStage& stage, bool wide_weights, int threads) {
  return i8_conv_2d_plan(shape, activations, stage, wide_weights, threads, has_fast_dot4());
}

I8Conv2DPlan i8_conv_2d_plan(const Conv2DShape& shape, const ActivationForm& activations,
                             const SumStage& stage, bool wide_weights, int threads, bool quads) {
  const Window2D& w = shape.window;
  I8Conv2DPlan plan;
  plan.shape = shape;
  plan.activations = activations;
  plan.stage = stage;
  plan.stage.numbers_each = pixel_count(shape);
  plan.threads = std::max(threads, 1);
  plan.form.wide = wide_weights;
  plan.padded_height =
      reach(shape.output_height, w.stride_height, w.kernel_height, w.dilation_height);
  plan.padded_width = reach(shape.output_width, w.stride_width, w.kernel_width, w.dilation_width);
  plan.form.offset = activations.unsigned_offset();
  const bool by_rows =
      shape.groups == 1 && (w.dilation_width == 1 || w.kernel_width == 1) &&
      fits_padded(shape, plan.padded_height, plan.padded_width);
  // The one pixel that all outside share without rows cannot be zero for several images.
  const bool is_float = activations.type == ActivationType::kFloat32;
  plan.form.quads = quads && !plan.form.wide && !stage.wide &&
                    activations.type != ActivationType::kInt16 &&
                    plan.form.offset == static_cast<uint8_t>(plan.form.offset) &&
                    (!is_float || by_rows || shape.batch == 1);
  const int64_t group_channels = shape.groups > 0 ? shape.input_channels / shape.groups : 0;
  if (!plan.form.quads && i8_fits_winograd(plan)) {
    plan.algorithm = I8ConvAlgorithm::kWinograd;
    i8_winograd_plan(&plan);
    return plan;
  }
  if (by_rows) {
    plan.algorithm = I8ConvAlgorithm::kRows;
    plan.form.taps = w.kernel_height;
    plan.form.k = w.kernel_width * group_channels;
  } else {
    plan.algorithm = I8ConvAlgorithm::kTaps;
    plan.padded_height = shape.input_height;
    plan.padded_width = shape.input_width;
    plan.form.taps = int64_t{w.kernel_height} * w.kernel_width;
    plan.form.k = group_channels;
  }
  plan.table_taps = plan.form.taps;
  plan.is_gathered = by_rows && plan.form.taps > 1 && plan.form.k <= kLongestGathered;
  if (plan.is_gathered) {
    plan.form.k *= plan.form.taps;
    plan.form.taps = 1;
  }
  plan.packed_bytes =
      i8_packed_bytes(plan.form, shape.output_channels / std::max(shape.groups, 1)) * shape.groups;
  plan.scratch_bytes =
      i8_images_bytes(plan) + i8_scales_bytes(plan) + own_bytes(plan) * plan.threads;
  return plan;
}

void i8_conv_2d_pack(const I8Conv2DPlan& plan, const I8Weights& weights, int64_t stride_o,
                     int64_t stride_k, const SumColumns& columns, void* packed) {
  if (plan.algorithm == I8ConvAlgorithm::kWinograd) {
    i8_winograd_pack(plan, weights, columns, packed);
    return;
  }
  const PanelForm& form = plan.form;
  const int64_t n = plan.shape.output_channels / std::max(plan.shape.groups, 1);
  auto* target = static_cast<uint8_t*>(packed);
  for (int64_t group = 0; group < plan.shape.groups; ++group) {
    const auto weight = [&](int64_t column, int64_t tap, int64_t i) {
      return weights.at((group * n + column) * stride_o + (tap * form.k + i) * stride_k);
    };
    target = i8_pack_panels(form, plan.stage, columns, group * n, n, weight, target);
  }
}

void i8_conv_2d_run(const I8Conv2DPlan& plan, const void* packed, const void* input, void* output,
                    void* scratch, ThreadPool* pool) {
  const Conv2DShape& shape = plan.shape;
  const int64_t pixels = pixel_count(shape);
  if (pixels == 0 || shape.output_channels == 0) return;
  uint8_t* memory = static_cast<uint8_t*>(scratch);
  int16_t* const images = reinterpret_cast<int16_t*>(memory);
  memory += i8_images_bytes(plan);
  BatchScale* const scales =
      i8_scales_bytes(plan) != 0 ? reinterpret_cast<BatchScale*>(memory) : nullptr;
  memory += i8_scales_bytes(plan);
  i8_widen_images(plan, input, images, scales, pool);
  if (plan.algorithm == I8ConvAlgorithm::kWinograd) {
    i8_winograd_run(plan, packed, images, scales, output, memory, pool);
    return;
  }
  const int64_t group_inputs = shape.input_channels / shape.groups;
  const int64_t group_outputs = shape.output_channels / shape.groups;
  const uint64_t panel_bytes = plan.form.panel_bytes();
  const uint64_t group_bytes = i8_packed_bytes(plan.form, group_outputs);
  const int64_t area = int64_t{shape.output_height} * shape.output_width;
  const int out_bytes = plan.stage.element_bytes();
  const TileSplit split(pixels, group_outputs,
                        plan.form.taps * plan.form.k * shape.output_channels, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task, int thread) {
    const TileSplit::Part part = split.part(task);
    uint8_t* const own = memory + thread * own_bytes(plan);
    auto** const table = reinterpret_cast<const uint8_t**>(own);
    auto* const row_scales = reinterpret_cast<PanelRow*>(own + table_bytes(plan));
    fill_table(plan, images, part.row, part.rows, table);
    if (plan.is_gathered) {
      gather(plan, part.rows, reinterpret_cast<uint8_t*>(row_scales + TileSplit::kMaxBlockRows),
             table);
    }
    if (scales != nullptr) {
      for (int64_t row = 0; row < whole_tiles(plan, part.rows); ++row) {
        const BatchScale& scale = scales[(part.row + std::min(row, part.rows - 1)) / area];
        row_scales[row] = {scale.scale, scale.zero_point + 128};
      }
    }
    for (int64_t group = 0; group < shape.groups; ++group) {
      for (int64_t panel = part.first_panel; panel < part.last_panel; ++panel) {
        const int64_t column = panel * kI8TileColumns;
        const int64_t at = part.row * shape.output_channels + group * group_outputs + column;
        i8_panel(plan.stage, plan.form, part.rows, reinterpret_cast<const int16_t* const*>(table),
                 static_cast<size_t>(group * group_inputs),
                 static_cast<const uint8_t*>(packed) + group * group_bytes + panel * panel_bytes,
                 row_scales, static_cast<uint8_t*>(output) + at * out_bytes,
                 shape.output_channels,
                 static_cast<size_t>(std::min<int64_t>(kI8TileColumns, group_outputs - column)));
      }
    }
  });
}

}  // namespace zeolite

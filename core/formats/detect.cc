#include "core/formats/detect.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "core/base/endian.h"
#include "core/formats/hdf5.h"
#include "core/formats/zip.h"

namespace zeolite {
namespace {

using Bytes = std::span<const uint8_t>;

// What all but JSON is told by.
constexpr uint64_t kHeadBytes = 64 * 1024;

bool has_at(Bytes bytes, size_t offset, std::string_view text) {
  return bytes.size() >= offset + text.size() &&
         std::equal(text.begin(), text.end(), bytes.begin() + static_cast<ptrdiff_t>(offset),
                    [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; });
}

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Containers and files that begin with bytes of their own. From each format's specification.
struct Signature {
  size_t offset;
  std::string_view bytes;
  Format format;
};
constexpr std::array<Signature, 21> kSignatures = {{
    {4, "TFL3", Format::kTflite},
    {0, "\x93NUMPY", Format::kNumpy},
    {0, "GGUF", Format::kGguf},
    {0, std::string_view("\x1f\x8b", 2), Format::kGzip},
    {0, std::string_view("\xfd"
                         "7zXZ\0",
                         6),
     Format::kXz},
    {0, "\x28\xb5\x2f\xfd", Format::kZstd},
    {0, "7z\xbc\xaf\x27\x1c", Format::kSevenZip},
    {0, "Rar!\x1a\x07", Format::kRar},
    {257, "ustar", Format::kTar},
    {0, "%PDF-", Format::kPdf},
    {0, "\x89PNG\r\n", Format::kImage},
    {0, "\xff\xd8\xff", Format::kImage},
    {0, "GIF8", Format::kImage},
    {8, "WEBP", Format::kImage},
    {0, "\x80\x02", Format::kPickle},
    {0, "\x80\x03", Format::kPickle},
    {0, "\x80\x04", Format::kPickle},
    {0, "\x80\x05", Format::kPickle},
    {0, "version https://git-lfs", Format::kGitLfsPointer},
    {0, "7767517\n", Format::kNcnnParam},
    {0, "7767517\r", Format::kNcnnParam},
}};

// By the names of the members. A broken archive is what its first member says, so that its reader
// can tell what is broken.
Format detect_zip(const std::shared_ptr<const ByteSource>& source, Bytes bytes) {
  std::vector<std::string> names;
  Result<zip::Archive> archive = zip::Archive::open(source);
  if (archive.ok()) {
    for (const zip::Entry& entry : archive->entries()) names.push_back(entry.name);
  } else if (bytes.size() > 30) {
    const size_t length = bytes[26] + 256 * size_t{bytes[27]};
    if (length <= bytes.size() - 30) names.emplace_back(text_of(bytes.subspan(30, length)));
  }
  const auto any = [&](auto matches) { return std::any_of(names.begin(), names.end(), matches); };
  const auto has = [&](std::string_view name) {
    return any([&](const std::string& one) { return one == name; });
  };
  const auto ends = [&](std::string_view suffix) {
    return any([&](const std::string& one) { return one.ends_with(suffix); });
  };
  if (has("config.json") || has("model.weights.h5") || has("metadata.json")) {
    return Format::kKerasZip;
  }
  if (ends("/constants.pkl") || ends("/code/__torch__.py")) return Format::kTorchScriptZip;
  if (ends("data.pkl")) return Format::kPyTorchZip;
  if (ends("saved_model.pb")) return Format::kSavedModelZip;
  if (ends(".onnx")) return Format::kOnnxZip;
  if (ends(".mlmodel")) return Format::kCoreMlPackage;
  if (ends(".tflite")) return Format::kTaskBundle;
  if (ends("model.json")) return Format::kTfjsZip;
  if (ends(".npy")) return Format::kNumpyZip;
  return Format::kZip;
}

bool is_printable(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) {
    return byte >= 0x20 && byte != 0x7f;
  });
}

// Protocol buffers have no signature: the first fields' numbers and types tell.
Format detect_protobuf(Bytes bytes) {
  if (bytes.size() < 8) return Format::kUnknown;
  const auto starts_message = [&](size_t at, uint8_t tag) {
    return at < bytes.size() && bytes[at] == tag;
  };
  if (bytes[0] == 0x08 && bytes[1] < 0x80) {
    const uint8_t version = bytes[1], next = bytes[2];
    // SavedModel: schema version 1, then MetaGraphDefs (field 2) that start with their own field 1.
    if (next == 0x12 && version == 1) return Format::kSavedModelPb;
    // ONNX: IR version, then the producer's name (field 2, text) or the graph (field 7).
    if (next == 0x3a || next == 0x42) return Format::kOnnx;
    const size_t length = bytes[3];
    if (next == 0x12 && length > 0 && length < 0x80 && 4 + length <= bytes.size() &&
        is_printable(bytes.subspan(4, length))) {
      return Format::kOnnx;
    }
    if (next == 0x12 || next == 0x22) return Format::kCoreMl;
    return Format::kUnknown;
  }
  // GraphDef: nodes (field 1) that start with a name (field 1, text) and an operation (field 2).
  if (bytes[0] == 0x0a) {
    size_t at = 1;
    while (at < bytes.size() && at < 6 && (bytes[at] & 0x80) != 0) ++at;
    ++at;
    if (starts_message(at, 0x0a) && at + 2 < bytes.size()) {
      const size_t length = bytes[at + 1];
      const size_t name = at + 2;
      if (length > 0 && length < 0x80 && name + length < bytes.size() &&
          is_printable(bytes.subspan(name, length)) && bytes[name + length] == 0x12) {
        return Format::kGraphDef;
      }
    }
  }
  return Format::kUnknown;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& letter : result) letter = static_cast<char>(std::tolower(letter & 0x7f));
  return result;
}

// Without a mark of the byte order and white space before it.
std::string_view without_space(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t\r\n")));
  return text;
}

Format detect_text(Bytes bytes) {
  const std::string_view text = without_space(text_of(bytes));
  if (text.empty()) return Format::kUnknown;
  if (text[0] == '<') {
    const std::string head = lower_case(text.substr(0, 1024));
    if (head.starts_with("<!doctype html") || contains(head, "<html") || contains(head, "<head") ||
        contains(head, "<body")) {
      return Format::kHtml;
    }
    if (contains(head, "<net ")) return Format::kOpenVino;
    return head.starts_with("<?xml") ? Format::kXml : Format::kUnknown;
  }
  if (text[0] == '{') {
    if (contains(text, "\"modelTopology\"") || contains(text, "\"weightsManifest\"")) {
      return Format::kTfjsJson;
    }
    return contains(text, "\"class_name\"") ? Format::kKerasJson : Format::kJson;
  }
  const std::string_view head = text.substr(0, 4096);
  if (head.starts_with("node {") || contains(head, "\nnode {")) return Format::kGraphDefText;
  if (contains(head, "layer {") || contains(head, "layers {")) return Format::kCaffePrototxt;
  return Format::kUnknown;
}

// A table of TensorFlow's checkpoints ends with this number (their .index file).
bool is_checkpoint_index(const ByteSource& source) {
  constexpr uint64_t kMagic = 0xdb4775248b80fb57;
  std::array<uint8_t, sizeof(kMagic)> end;
  return source.size() >= 48 && source.read(source.size() - end.size(), end).ok() &&
         load_little_endian<uint64_t>(end.data()) == kMagic;
}

// A length of the header, then the header: a JSON object.
bool is_safetensors(Bytes bytes, uint64_t file_size) {
  if (bytes.size() < 10) return false;
  const uint64_t length = load_little_endian<uint64_t>(bytes.data());
  return length >= 2 && length <= file_size - 8 && bytes[8] == '{';
}

struct About {
  Format format;
  std::string_view words;
  std::string_view help;
};

constexpr std::string_view kUnpack = "unpack it and give the model inside";
constexpr std::string_view kSaveAsKeras = "export the model to Keras or TensorFlow and save that";

constexpr std::array kAbout = {
    About{Format::kUnknown, "a file of no format that is known here", ""},
    About{Format::kEmpty, "an empty file of 0 bytes", "fetch or save it again"},
    About{Format::kTflite, "a TensorFlow Lite model", ""},
    About{Format::kHdf5, "an HDF5 file, as Keras saves models (.h5)", ""},
    About{Format::kKerasZip, "a Keras model (.keras)", ""},
    About{Format::kKerasJson, "a Keras architecture as JSON", "give its weights file with it"},
    About{Format::kTfjsJson, "a TensorFlow.js model", ""},
    About{Format::kTfjsZip, "a zip archive with a TensorFlow.js model", kUnpack},
    About{Format::kSavedModelPb, "a TensorFlow SavedModel (saved_model.pb)",
          "load it in TensorFlow and save it as a Keras model"},
    About{Format::kSavedModelZip, "a zip archive with a TensorFlow SavedModel",
          "load it in TensorFlow and save it as a Keras model"},
    About{Format::kGraphDef, "a frozen TensorFlow graph (GraphDef)", ""},
    About{Format::kOnnx, "an ONNX model", ""},
    About{Format::kOnnxZip, "a zip archive with an ONNX model", kUnpack},
    About{Format::kTaskBundle, "a bundle of .tflite models (.task)",
          "it is a zip archive: unpack it and give one of the .tflite files inside"},
    About{Format::kSafetensors, "a safetensors file: weights without an architecture", ""},
    About{Format::kNumpy, "a NumPy array (.npy)", ""},
    About{Format::kNumpyZip, "NumPy arrays (.npz)", ""},
    About{Format::kZip, "a zip archive without a model that is known here", kUnpack},
    About{Format::kGzip, "a gzip archive", kUnpack},
    About{Format::kTar, "a tar archive", kUnpack},
    About{Format::kPyTorchZip, "a PyTorch checkpoint (zip with data.pkl)", kSaveAsKeras},
    About{Format::kTorchScriptZip, "a TorchScript model", kSaveAsKeras},
    About{Format::kPickle, "a Python pickle, as older PyTorch and scikit-learn write",
          "load it in Python and save the model in its framework's own format"},
    About{Format::kCoreMl, "a Core ML model", ""},
    About{Format::kCoreMlPackage, "a Core ML package", ""},
    About{Format::kTensorFlowCheckpoint, "a TensorFlow checkpoint: weights without an architecture",
          "load it in the program that made it and save the whole model"},
    About{Format::kOpenVino, "an OpenVINO model", ""},
    About{Format::kGguf, "a GGUF file", ""},
    About{Format::kNcnnParam, "an ncnn model", ""},
    About{Format::kCaffePrototxt, "a Caffe model", ""},
    About{Format::kGraphDefText, "a TensorFlow graph as text", ""},
    About{Format::kGitLfsPointer, "a Git LFS pointer in place of the file",
          "fetch the file itself with git lfs pull"},
    About{Format::kHtml, "an HTML page, perhaps an error page saved under a model's name",
          "download the file itself"},
    About{Format::kXml, "an XML file", ""},
    About{Format::kJson, "JSON that describes no model that is known here", ""},
    About{Format::kPdf, "a PDF document", ""},
    About{Format::kImage, "a picture", ""},
    About{Format::kRar, "a RAR archive", kUnpack},
    About{Format::kSevenZip, "a 7-Zip archive", kUnpack},
    About{Format::kXz, "an xz archive", kUnpack},
    About{Format::kZstd, "a Zstandard archive", kUnpack},
};

const About& about(Format format) {
  const auto found = std::find_if(kAbout.begin(), kAbout.end(),
                                  [&](const About& one) { return one.format == format; });
  return found != kAbout.end() ? *found : kAbout.front();
}

}  // namespace

Format detect_format(const std::shared_ptr<const ByteSource>& source) {
  if (source->size() == 0) return Format::kEmpty;
  Result<Content> head = source->content(0, std::min(source->size(), kHeadBytes), "a file");
  if (!head.ok()) return Format::kUnknown;
  std::span<const uint8_t> bytes = head->data;
  for (const Signature& signature : kSignatures) {
    if (has_at(bytes, signature.offset, signature.bytes)) return signature.format;
  }
  if (hdf5::looks_like_hdf5(*source)) return Format::kHdf5;
  if (zip::looks_like_zip(bytes)) return detect_zip(source, bytes);
  if (is_safetensors(bytes, source->size())) return Format::kSafetensors;
  if (is_checkpoint_index(*source)) return Format::kTensorFlowCheckpoint;
  if (bytes.size() < source->size() && without_space(text_of(bytes)).starts_with('{')) {
    Result<Content> all = source->content("a text");
    if (!all.ok()) return Format::kUnknown;
    head = std::move(all);
    bytes = head->data;
  }
  const Format text = detect_text(bytes);
  return text != Format::kUnknown ? text : detect_protobuf(bytes);
}

Format detect_format(std::span<const uint8_t> bytes) {
  return detect_format(MemorySource::view_of(bytes));
}

std::string_view format_words(Format format) { return about(format).words; }

std::string_view format_help(Format format) { return about(format).help; }

}  // namespace zeolite

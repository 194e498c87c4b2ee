// SKIP_GRAM (1): the sequences of `ngram_size` words of a text, with at most `max_skip_size` words
// left out between neighbours; with `include_all_ngrams` the shorter sequences too.
//   input string, one    output string [count]: words joined by a space
// Words are parted by white space. Sequences come in the order of their first word, shorter ones
// after those that go on from them. A text of fewer words than `ngram_size` has none.
#include <vector>

#include "core/ops/check.h"
#include "core/ops/kernels.h"
#include "core/ops/strings.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  const auto& options = context.options<SkipGramOptions>();
  if (options.ngram_size < 1 || options.ngram_size > 64 || options.max_skip_size < 0) {
    return bad_input("sequences of " + std::to_string(options.ngram_size) + " words, " +
                     std::to_string(options.max_skip_size) + " left out, are not possible");
  }
  ZEOLITE_TRY(require_one(context, 0, "string"));
  return context.set_output_unknown(0, TensorType::kString);
}

std::vector<std::string_view> words_of(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  std::vector<std::string_view> words;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && !is_space(text[i])) continue;
    if (i > begin) words.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  return words;
}

// More sequences than this come only from texts made for it.
constexpr size_t kMaxGrams = 1 << 22;

class Grams {
 public:
  Grams(const SkipGramOptions& options, std::vector<std::string_view> words)
      : options_(options), words_(std::move(words)) {}

  Status collect() {
    if (words_.size() < static_cast<size_t>(options_.ngram_size)) return {};
    for (size_t i = 0; i < words_.size(); ++i) ZEOLITE_TRY(extend(i, 1, std::string(words_[i])));
    return {};
  }

  std::vector<std::string> take() { return std::move(grams_); }

 private:
  Status extend(size_t last, int32_t length, const std::string& gram) {
    const bool is_whole = length == options_.ngram_size;
    const auto reach = static_cast<size_t>(options_.max_skip_size) + 1;
    for (size_t next = last + 1; !is_whole && next < words_.size() && next <= last + reach;
         ++next) {
      ZEOLITE_TRY(extend(next, length + 1, gram + " " + std::string(words_[next])));
    }
    if (!is_whole && !options_.include_all_ngrams) return {};
    if (grams_.size() == kMaxGrams) return unsupported("the text has too many sequences");
    grams_.push_back(gram);
    return {};
  }

  const SkipGramOptions& options_;
  std::vector<std::string_view> words_;
  std::vector<std::string> grams_;
};

Status eval(EvalContext& context) {
  const Strings input = strings_of(context.input(0));
  if (input.size() != 1) return bad_input("expected one string");
  Grams grams(context.options<SkipGramOptions>(), words_of(input[0]));
  ZEOLITE_TRY(grams.collect());
  const std::vector<std::string> texts = grams.take();
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return set_strings(context, 0, {static_cast<int32_t>(views.size())}, views);
}

}  // namespace

const OpKernel kSkipGramOp = {infer, nullptr, eval};

}  // namespace zeolite

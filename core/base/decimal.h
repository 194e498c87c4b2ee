// Floating-point numbers as decimal text and back, exactly. The standard library's functions do the
// same with tables of 120 KB, more than a tenth of a module.
#pragma once

#include <string>
#include <string_view>

namespace zeolite {

// The float64 nearest to a number written as JSON writes them: -12.5e-3. Halves go to the even one,
// what is too large becomes an infinity. The text must be one number and nothing else.
double parse_decimal(std::string_view text);

// The shortest text that parse_decimal turns into the same number, and of these the nearest, in the
// form of JavaScript: 1e+21, 0.000001, 1e-7, Infinity, NaN.
std::string decimal_text(double number);

}  // namespace zeolite

//! `$((...))`: signed 64-bit integers, wrapping as C's do on every machine we know.

/// Why an expression has no value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArithmeticError {
    /// The expression does not parse.
    #[error("arithmetic expression: expecting an operand or operator")]
    Syntax,
    /// A division by zero.
    #[error("arithmetic expression: division by zero")]
    Zero,
}

/// Binary operators, loosest first; within a level the longer spelling stands first.
const LEVELS: &[&[&str]] =
    &[&["||"], &["&&"], &["==", "!="], &["<=", ">=", "<", ">"], &["+", "-"], &["*", "/", "%"]];

/// How deep parentheses and signs may nest.
const DEPTH_MAX: u32 = 64;

/// The value of `text`. `variable` gives a variable's text; unset or empty counts as 0.
pub fn evaluate(
    text: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<i64, ArithmeticError> {
    let mut reader = Reader { rest: text, variable, depth: 0 };
    if text.trim().is_empty() {
        return Ok(0);
    }
    let value = reader.level(0)?;
    reader.blanks();
    if reader.rest.is_empty() { Ok(value) } else { Err(ArithmeticError::Syntax) }
}

/// What is left of an expression.
struct Reader<'t> {
    rest: &'t str,
    variable: &'t dyn Fn(&str) -> Option<String>,
    depth: u32,
}

impl<'t> Reader<'t> {
    /// Skips blanks.
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes `token` if it comes next.
    fn eat(&mut self, token: &str) -> bool {
        self.blanks();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// One level of binary operators, left to right. Both sides of `&&` and `||` are read;
    /// nothing here has an effect, but for a division by zero, which then still fails.
    fn level(&mut self, level: usize) -> Result<i64, ArithmeticError> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.level(level + 1)?;
        while let Some(operator) = operators.iter().find(|operator| self.eat(operator)) {
            let right = self.level(level + 1)?;
            left = apply(operator, left, right)?;
        }
        Ok(left)
    }

    /// Signs, `!`, parentheses, numbers and names.
    fn unary(&mut self) -> Result<i64, ArithmeticError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(ArithmeticError::Syntax);
        }
        let value = if self.eat("-") {
            self.unary()?.wrapping_neg()
        } else if self.eat("+") {
            self.unary()?
        } else if self.eat("!") {
            i64::from(self.unary()? == 0)
        } else if self.eat("(") {
            let inside = self.level(0)?;
            if !self.eat(")") {
                return Err(ArithmeticError::Syntax);
            }
            inside
        } else {
            self.operand()?
        };
        self.depth -= 1;
        Ok(value)
    }

    /// A number (decimal, 0 octal, 0x) or a variable's name.
    fn operand(&mut self) -> Result<i64, ArithmeticError> {
        self.blanks();
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = self.rest.find(|c| !word(c)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        if token.starts_with(|c: char| c.is_ascii_digit()) {
            return number(token).ok_or(ArithmeticError::Syntax);
        }
        if token.is_empty() {
            return Err(ArithmeticError::Syntax);
        }
        let text = (self.variable)(token).unwrap_or_default();
        let text = text.trim();
        match text.strip_prefix('-') {
            _ if text.is_empty() => Ok(0),
            Some(digits) => number(digits).map(i64::wrapping_neg).ok_or(ArithmeticError::Syntax),
            None => number(text).ok_or(ArithmeticError::Syntax),
        }
    }
}

/// A number as C writes it.
fn number(token: &str) -> Option<i64> {
    if let Some(digits) = token.strip_prefix("0x").or_else(|| token.strip_prefix("0X")) {
        return i64::from_str_radix(digits, 16).ok();
    }
    match token.strip_prefix('0') {
        Some(digits) if !digits.is_empty() => i64::from_str_radix(digits, 8).ok(),
        _ => token.parse().ok(),
    }
}

/// One binary operation.
fn apply(operator: &str, left: i64, right: i64) -> Result<i64, ArithmeticError> {
    let divisor = if right == 0 { Err(ArithmeticError::Zero) } else { Ok(right) };
    Ok(match operator {
        "||" => i64::from(left != 0 || right != 0),
        "&&" => i64::from(left != 0 && right != 0),
        "==" => i64::from(left == right),
        "!=" => i64::from(left != right),
        "<=" => i64::from(left <= right),
        ">=" => i64::from(left >= right),
        "<" => i64::from(left < right),
        ">" => i64::from(left > right),
        "+" => left.wrapping_add(right),
        "-" => left.wrapping_sub(right),
        "*" => left.wrapping_mul(right),
        "/" => left.wrapping_div(divisor?),
        _ => left.wrapping_rem(divisor?),
    })
}

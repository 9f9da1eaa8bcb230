/** Letters and digits that nobody takes for each other when a password is read aloud or typed. */
const LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/** How long a made password is: with this alphabet, over 110 bits. */
const LENGTH = 20;

/** A password that nobody guesses. */
export function madePassword(): string {
  let made = "";
  while (made.length < LENGTH) {
    for (const byte of crypto.getRandomValues(new Uint8Array(LENGTH))) {
      // Bytes beyond the last whole round of the alphabet would favour its beginning.
      if (byte < 256 - (256 % LETTERS.length) && made.length < LENGTH) {
        made += LETTERS.charAt(byte % LETTERS.length);
      }
    }
  }
  return made;
}

/** How long the server wants a password to be, in bytes of UTF-8. */
const BYTES_MIN = 8;
const BYTES_MAX = 128;

/** Whether the server takes a password of this length. */
export function isTaken(password: string): boolean {
  const { length } = new TextEncoder().encode(password);
  return length >= BYTES_MIN && length <= BYTES_MAX;
}

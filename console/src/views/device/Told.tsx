/** A sentence of the server's, in which what stands between backticks is a command. */
export function Told({ text }: { text: string }) {
  return text.split("`").map((part, index) =>
    index % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence never move
      <code key={index} className="break">
        {part}
      </code>
    ) : (
      part
    ),
  );
}

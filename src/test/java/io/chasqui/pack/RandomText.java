package io.chasqui.pack;

import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Random texts that look for trouble: many scripts, joined emoji, combining marks, controls, runs
 * of one character, and the names of special tokens. All code points are assigned since Unicode 9,
 * so that libraries with older tables agree on them.
 */
final class RandomText {
  private static final List<String> FRAGMENTS =
      List.of(
          "the ",
          " word",
          "word",
          "WORD!",
          "don't",
          "I'LL ",
          "'ſ",
          "it’s",
          "1234567",
          "٣٤٥",
          "½",
          "\r\n",
          "\r\n\r\n",
          "\n",
          "\t",
          "  ",
          "   ",
          "\u00a0",
          "\u0085",
          "\u2028",
          "\u3000",
          "\u200b",
          "\ufeff",
          "\u0000",
          "\u0007",
          "\u001c",
          "\u001f",
          "👩‍👩‍👧",
          "👍🏽",
          "🇪🇨",
          "e\u0301",
          "ñ",
          "İ",
          "ΣΑΣ",
          "ß",
          "ﬁ",
          "①",
          "한",
          "\u1112\u1161\u11ab",
          "ก็",
          "नि",
          "<|im_start|>",
          "<|im_end|>",
          "<|begin|>",
          "<|endoftext|>",
          "<s>",
          "</s>",
          "<unk>",
          "<left>",
          " <left>",
          "<right>",
          "<right>   ",
          " <both> ",
          "<a",
          "<ab>",
          "<ab",
          "ünï",
          "ÜNÏ",
          "<0x0A>",
          "▁",
          "▁▁",
          " ▁",
          "Ġ",
          "Ċ",
          "你好",
          "世界",
          "zyzzyva",
          " zyzzyva",
          "_",
          "{}();",
          "http://",
          "...",
          "--",
          "$",
          "́");

  private static final int[][] RANGES = {
    {0x00, 0x7f},
    {0x20, 0x7e},
    {0x20, 0x7e},
    {0x80, 0xff},
    {0x100, 0x17f},
    {0x300, 0x36f},
    {0x391, 0x3a1},
    {0x410, 0x44f},
    {0x5d0, 0x5ea},
    {0x620, 0x64a},
    {0x905, 0x939},
    {0x0e01, 0x0e3a},
    {0x1100, 0x1112},
    {0x2000, 0x200f},
    {0x2010, 0x2027},
    {0x20a0, 0x20b0},
    {0x2150, 0x2182},
    {0x2190, 0x21ff},
    {0x2460, 0x249b},
    {0x3041, 0x3096},
    {0x30a1, 0x30fa},
    {0x4e00, 0x9fa5},
    {0xac00, 0xd7a3},
    {0xe000, 0xe010},
    {0xfb00, 0xfb06},
    {0xff01, 0xff5e},
    {0x10400, 0x1044f},
    {0x1d400, 0x1d454},
    {0x1f300, 0x1f393},
    {0x1f600, 0x1f64f},
    {0x20000, 0x20100}
  };

  private final RandomGenerator random;

  RandomText(RandomGenerator random) {
    this.random = random;
  }

  /** A text of about the given number of characters. */
  String next(int length) {
    var text = new StringBuilder();
    while (text.length() < length) {
      switch (random.nextInt(8)) {
        case 0, 1, 2 -> text.append(FRAGMENTS.get(random.nextInt(FRAGMENTS.size())));
        case 3 -> text.append(Character.toString(codePoint()).repeat(1 + random.nextInt(12)));
        case 4 -> text.append(' ');
        case 5 -> {
          int letters = 1 + random.nextInt(9);
          for (int i = 0; i < letters; i++) {
            text.append((char) ('a' + random.nextInt(26)));
          }
        }
        default -> text.appendCodePoint(codePoint());
      }
    }
    return text.toString();
  }

  private int codePoint() {
    int[] range = RANGES[random.nextInt(RANGES.length)];
    return random.nextInt(range[0], range[1] + 1);
  }
}

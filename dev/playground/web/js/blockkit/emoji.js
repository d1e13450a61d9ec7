// Names of emoji as Slack writes them, for those that people here use. One that is not known stays :name:.
const known = {
  white_check_mark: "✅", heavy_check_mark: "✔️", memo: "📝", hourglass_flowing_sand: "⏳", hourglass: "⌛", warning: "⚠️", x: "❌", no_entry: "⛔", no_entry_sign: "🚫",
  eyes: "👀", pray: "🙏", bow: "🙇", "+1": "👍", thumbsup: "👍", "-1": "👎", ok_hand: "👌", wave: "👋", clap: "👏", raised_hands: "🙌", muscle: "💪", point_up: "☝️", point_right: "👉", point_down: "👇", point_left: "👈",
  smile: "😄", grinning: "😀", grin: "😁", joy: "😂", blush: "😊", slightly_smiling_face: "🙂", relaxed: "☺️", wink: "😉", thinking_face: "🤔", sob: "😭", cry: "😢", sweat_smile: "😅", sunglasses: "😎", heart_eyes: "😍", scream: "😱", sweat: "😓",
  heart: "❤️", tada: "🎉", sparkles: "✨", fire: "🔥", rocket: "🚀", star: "⭐", zap: "⚡", boom: "💥", bulb: "💡", bell: "🔔", no_bell: "🔕", lock: "🔒", unlock: "🔓", key: "🔑", gear: "⚙️", wrench: "🔧", hammer: "🔨", link: "🔗", mag: "🔍",
  speech_balloon: "💬", left_speech_bubble: "🗨️", email: "📧", envelope: "✉️", incoming_envelope: "📨", outbox_tray: "📤", inbox_tray: "📥", package: "📦", truck: "🚚", calendar: "📅", clock3: "🕒", alarm_clock: "⏰", stopwatch: "⏱️", bar_chart: "📊", chart_with_upwards_trend: "📈",
  question: "❓", exclamation: "❗", information_source: "ℹ️", arrow_right: "➡️", arrow_left: "⬅️", arrow_up: "⬆️", arrow_down: "⬇️", repeat: "🔁", arrows_counterclockwise: "🔄", arrow_right_hook: "↪️", leftwards_arrow_with_hook: "↩️", back: "🔙", heavy_plus_sign: "➕", heavy_minus_sign: "➖",
  large_green_circle: "🟢", large_yellow_circle: "🟡", large_orange_circle: "🟠", red_circle: "🔴", large_blue_circle: "🔵", white_circle: "⚪", black_circle: "⚫", large_purple_circle: "🟣", raising_hand: "🙋", bust_in_silhouette: "👤", busts_in_silhouette: "👥", house: "🏠", shopping_trolley: "🛒", globe_with_meridians: "🌐",
  pushpin: "📌", round_pushpin: "📍", paperclip: "📎", framed_picture: "🖼️", camera: "📷", frame_with_picture: "🖼️", computer: "💻", iphone: "📱", telephone_receiver: "📞", headphones: "🎧", robot_face: "🤖", wastebasket: "🗑️", pencil2: "✏️", pencil: "📝", page_facing_up: "📄", clipboard: "📋", books: "📚", book: "📖", label: "🏷️", bookmark: "🔖",
  "flag-jp": "🇯🇵", sushi: "🍣", "man-woman-girl": "👨‍👩‍👧", ballot_box_with_check: "☑️", black_square_button: "🔲", triangular_flag_on_post: "🚩", construction: "🚧", rotating_light: "🚨", mailbox_with_mail: "📬", crying_cat_face: "😿", zzz: "💤", seedling: "🌱", four_leaf_clover: "🍀", recycle: "♻️", new: "🆕", sos: "🆘", ok: "🆗", soon: "🔜", white_large_square: "⬜", heavy_exclamation_mark: "❗", grey_question: "❔", door: "🚪", handshake: "🤝", writing_hand: "✍️", card_index_dividers: "🗂️", fast_forward: "⏩", double_vertical_bar: "⏸️", arrow_forward: "▶️", black_square_for_stop: "⏹️",
};

// picks are offered for reactions.
export const picks = ["eyes", "white_check_mark", "+1", "pray", "tada", "memo", "heart", "bow"];

// emojiChar answers the characters of an emoji, or nothing when the name is not known. unicode comes with rich text: "1f44d-1f3fb".
export function emojiChar(name, unicode) {
  if (unicode) {
    const codes = unicode.split("-").map((code) => parseInt(code, 16));
    if (codes.every((code) => code > 0 && code <= 0x10ffff)) return String.fromCodePoint(...codes);
  }
  const [base, tone] = name.split("::skin-tone-");
  const char = known[base];
  if (!char) return "";
  return tone ? char.replace("\ufe0f", "") + String.fromCodePoint(0x1f3f9 + Number(tone)) : char;
}

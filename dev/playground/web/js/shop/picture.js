// A picture to send for those who have none at hand: a parcel that arrived with a dent.
import { t } from "../text/text.js";

export function samplePicture() {
  const canvas = document.createElement("canvas");
  canvas.width = 480;
  canvas.height = 320;
  const c = canvas.getContext("2d");
  const sky = c.createLinearGradient(0, 0, 0, 320);
  sky.addColorStop(0, "#f7ead9");
  sky.addColorStop(1, "#e7d3b8");
  c.fillStyle = sky;
  c.fillRect(0, 0, 480, 320);
  const face = (color, points) => {
    c.fillStyle = color;
    c.beginPath();
    points.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
    c.fill();
  };
  face("#c08d4f", [[110, 120], [240, 160], [240, 285], [110, 235]]);
  face("#a97636", [[240, 160], [380, 115], [380, 232], [240, 285]]);
  face("#d8a868", [[110, 120], [250, 80], [380, 115], [240, 160]]);
  face("#8a5c26", [[330, 131], [380, 115], [380, 170], [352, 158]]);
  face("#efe3cf", [[168, 137], [186, 143], [186, 264], [168, 257]]);
  c.strokeStyle = "#5f3d14";
  c.lineWidth = 3;
  c.beginPath();
  c.moveTo(330, 131);
  c.lineTo(352, 158);
  c.lineTo(380, 170);
  c.stroke();
  c.fillStyle = "#5b4630";
  c.font = "600 20px sans-serif";
  c.fillText(t("shop.sample_caption"), 20, 36);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

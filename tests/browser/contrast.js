// Texts on this page that are too weak against what is behind them.
const read = (colour) => {
  const parts = colour.match(/[\d.]+/g).map(Number);
  return { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
};
const mix = (over, under, alpha) => over.map((part, index) => part * alpha + under[index] * (1 - alpha));
const luminance = (rgb) => {
  const [r, g, b] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  if (element === null) return [255, 255, 255];
  const { rgb, alpha } = read(getComputedStyle(element).backgroundColor);
  return alpha === 1 ? rgb : mix(rgb, behind(element.parentElement), alpha);
};
const opacity = (element) => (element === null ? 1 : Number(getComputedStyle(element).opacity) * opacity(element.parentElement));

const weak = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const hidden = box.width <= 1 || box.height <= 1 || style.visibility === "hidden" || element.closest("script, noscript, .skip");
  if (!walker.currentNode.textContent.trim() || hidden) continue;
  const ground = behind(element);
  const { rgb, alpha } = read(style.color);
  const [light, dark] = [luminance(mix(rgb, ground, alpha * opacity(element))), luminance(ground)].sort((a, b) => b - a);
  const ratio = (light + 0.05) / (dark + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5)) weak.push(`${ratio.toFixed(2)}: ${walker.currentNode.textContent.trim().slice(0, 40)}`);
}
return weak;

/** Ticks choices of a filter of the device list, which is behind a button where the page is narrow. */
export async function choose(stage, filter, choices) {
  const { page, text } = stage;
  if (stage.isNarrow) {
    await stage.button(text.devices.filters).click();
  }
  await page.getByRole("button", { name: filter }).click();
  for (const choice of choices) {
    await page.getByLabel(choice, { exact: true }).check();
  }
  await page.keyboard.press("Escape");
  if (stage.isNarrow) {
    await stage.button(text.devices.fewer).click();
  }
}

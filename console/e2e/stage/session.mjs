/**
 * Presses `button` while the session is over, which has the page ask for signing in again, in a dialog
 * that it gives. A read that the page makes by itself may be the first to find out: then that dialog
 * lies over the button, and `isPressed` is false.
 */
export async function pressSignedOut(stage, button) {
  const dialog = stage.page.getByRole("dialog", { name: stage.text.signIn.again });
  let isPressed = false;
  await stage.until("the page to ask for signing in again", async () => {
    if (await dialog.isVisible()) {
      return true;
    }
    // Not for long: the dialog may come while it waits to be reached.
    isPressed ||= await button.click({ timeout: 1_000 }).then(
      () => true,
      () => false,
    );
    return false;
  });
  return { dialog, isPressed };
}

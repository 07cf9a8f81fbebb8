"""What all charts share: palette, template, labels, and drawing to a file."""

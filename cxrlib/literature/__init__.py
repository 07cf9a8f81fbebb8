"""What the papers print, what they cite, and the licences of images."""
